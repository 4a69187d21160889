// Drives the demo through the client that hey-api makes of /openapi.json.
import { client } from "./hey/client.gen.js";
import { authLogin, employeeGet, mobileconfigCopy, mobileconfigGet } from "./hey/sdk.gen.js";

const [manager, viewer, nobody] = ["e00000000000000000000402", "e00000000000000000000403", "e00000000000000000009999"];
client.setConfig({ baseUrl: process.argv[2]! });

const wrong = await authLogin({ body: { username: "manager@bakery.example.com", password: "wrong" } });
if (wrong.error?.error.code !== "credentials_invalid") throw new Error(JSON.stringify(wrong.error));

const login = await authLogin({ body: { username: "manager@bakery.example.com", password: "Demo-Passw0rd" } });
if (!login.data) throw new Error(JSON.stringify(login.error));
client.setConfig({ auth: login.data.token });

const copy = await mobileconfigCopy({ body: { _id: manager, copyTo: viewer } });
if (!copy.data) throw new Error(JSON.stringify(copy.error));
const read = await mobileconfigGet({ path: { employee: viewer } });
if (JSON.stringify(read.data?.configs) !== JSON.stringify(copy.data.configs)) throw new Error("it was not copied");
// A section is told apart by its type.
for (const section of read.data?.configs ?? []) {
  if (section.type === "QUEUES") {
    const kind: "QUEUES" = section.type;
    const shown: string[] = section.items.map((queue) => queue.name);
    if (shown.join() === "") throw new Error(`${kind}: ${JSON.stringify(section)}`);
  }
}

const absent = await employeeGet({ path: { employee: nobody } });
if (absent.response?.status !== 404) throw new Error(JSON.stringify(absent.error));
