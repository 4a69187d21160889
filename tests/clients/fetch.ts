// Drives the demo through the types that openapi-typescript makes of /openapi.json.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

const [manager, viewer, nobody] = ["e00000000000000000000402", "e00000000000000000000403", "e00000000000000000009999"];
const client = createClient<paths>({ baseUrl: process.argv[2]! });

const wrong = await client.POST("/auth/login", { body: { username: "manager@bakery.example.com", password: "wrong" } });
if (wrong.error?.error.code !== "credentials_invalid") throw new Error(JSON.stringify(wrong.error));

const login = await client.POST("/auth/login", {
  body: { username: "manager@bakery.example.com", password: "Demo-Passw0rd" },
});
if (login.error) throw new Error(login.error.error.message);
const session: components["schemas"]["Session"] = login.data;
const headers = { authorization: `Bearer ${session.token}` };

const list = await client.GET("/employee", { headers, params: { query: { limit: 500, full: true } } });
if (list.error) throw new Error(list.error.error.message);
const names: string[] = list.data.employees.map((employee) => employee.name);
if (!names.includes("Anna Manager")) throw new Error(names.join());

const copy = await client.POST("/pbx/app/mobileconfig/", { headers, body: { _id: manager, copyTo: viewer } });
if (copy.error) throw new Error(copy.error.error.message);
const read = await client.GET("/pbx/app/mobileconfig/{employee}", { headers, params: { path: { employee: viewer } } });
if (JSON.stringify(read.data?.configs) !== JSON.stringify(copy.data.configs)) throw new Error("it was not copied");
// A section is told apart by its type.
for (const section of read.data?.configs ?? []) {
  if (section.type === "QUEUES") {
    const kind: "QUEUES" = section.type;
    const shown: string[] = section.items.map((queue) => queue.name);
    if (shown.join() === "") throw new Error(`${kind}: ${JSON.stringify(section)}`);
  }
}

const absent = await client.GET("/employee/{employee}", { headers, params: { path: { employee: nobody } } });
if (absent.response.status !== 404 || !absent.error?.error.message) throw new Error(JSON.stringify(absent.error));
