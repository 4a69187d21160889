"""Drives the demo through the client that openapi-python-client makes of /openapi.json."""

import sys

from generated.api.auth import auth_login
from generated.api.employee import employee_list
from generated.api.pbx import mobileconfig_copy, mobileconfig_get
from generated.client import AuthenticatedClient, Client
from generated.models import Error, Login, Copy

MANAGER, VIEWER = "e00000000000000000000402", "e00000000000000000000403"
url = sys.argv[1]

anybody = Client(base_url=url)
wrong = auth_login.sync(client=anybody, body=Login(username="manager@bakery.example.com", password="wrong"))
assert isinstance(wrong, Error) and wrong.error.code == "credentials_invalid", wrong
session = auth_login.sync(client=anybody, body=Login(username="manager@bakery.example.com", password="Demo-Passw0rd"))

client = AuthenticatedClient(base_url=url, token=session.token)
page = employee_list.sync(client=client, full=True)
assert "Anna Manager" in [employee.name for employee in page.employees], page
copied = mobileconfig_copy.sync(client=client, body=Copy(field_id=MANAGER, copy_to=VIEWER))
read = mobileconfig_get.sync(VIEWER, client=client)
assert [section.to_dict() for section in read.configs] == [section.to_dict() for section in copied.configs], read
