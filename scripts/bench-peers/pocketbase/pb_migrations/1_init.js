/// <reference path="../pb_data/types.d.ts" />

// The collections, and the rows of the document that BENCH_DATA names: the one telecomx-local imports.

migrate((app) => {
  const data = JSON.parse(toString($os.readFile($os.getenv("BENCH_DATA"))));

  // Whoever is logged in sees the configs of the own customer: the check telecomx-local makes for a manager.
  const users = app.findCollectionByNameOrId("users");
  users.fields.add(new TextField({ name: "customer", required: true }));
  app.save(users);

  const ownOnly = "customer = @request.auth.customer";
  const configs = new Collection({
    type: "base",
    name: "mobileconfigs",
    viewRule: ownOnly,
    listRule: ownOnly,
    fields: [
      { name: "id", type: "text", primaryKey: true, required: true, min: 24, max: 24, pattern: "^[0-9a-f]{24}$" },
      { name: "customer", type: "text", required: true },
      { name: "configs", type: "json", maxSize: 2 * 1024 * 1024 },
      { name: "revision", type: "number", onlyInt: true },
    ],
    indexes: ["create index mobileconfigs_customer on mobileconfigs (customer)"],
  });
  app.save(configs);

  app.save(new Collection({
    type: "base",
    name: "audit",
    fields: [
      { name: "at", type: "autodate", onCreate: true },
      { name: "actor", type: "text" },
      { name: "action", type: "text" },
      { name: "source", type: "text" },
      { name: "target", type: "text" },
    ],
  }));

  // What a mirror of the data would read and empty.
  app.save(new Collection({
    type: "base",
    name: "outbox",
    fields: [
      { name: "collection", type: "text" },
      { name: "row", type: "text" },
      { name: "payload", type: "json", maxSize: 2 * 1024 * 1024 },
    ],
  }));

  // telecomx-local keeps no log of answered requests either.
  const settings = app.settings();
  settings.logs.maxDays = 0;
  app.save(settings);

  for (const employee of data.employees.filter((employee) => employee.accessLevel === "MANAGER")) {
    const user = new Record(users);
    user.set("email", employee.emailAddress);
    user.set("password", $os.getenv("BENCH_PASSWORD"));
    user.set("verified", true);
    user.set("customer", employee.customer);
    app.save(user);
  }
  for (const config of data.mobileConfigs) {
    const row = new Record(configs);
    row.set("id", config._id);
    row.set("customer", config.customer);
    row.set("configs", JSON.stringify(config.configs));
    row.set("revision", 1);
    app.saveNoValidate(row);
  }
}, (app) => {
  for (const name of ["outbox", "audit", "mobileconfigs"]) {
    app.delete(app.findCollectionByNameOrId(name));
  }
});
