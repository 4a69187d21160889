/// <reference path="../pb_data/types.d.ts" />

// Copies one mobile config onto another of the same customer: target, audit row and outbox row in one transaction.

routerAdd("POST", "/pbx/app/mobileconfig/", (e) => {
  const { _id: from, copyTo: to } = e.requestInfo().body;
  let copied;

  e.app.runInTransaction((tx) => {
    const source = tx.findRecordById("mobileconfigs", from);
    const target = tx.findRecordById("mobileconfigs", to);
    const customer = e.auth.getString("customer");
    if (source.getString("customer") !== customer || target.getString("customer") !== customer) {
      throw new ForbiddenError("Insufficient access level");
    }

    // Nothing here comes unchecked from outside, so the validators are spared.
    const configs = source.get("configs");
    target.set("configs", configs);
    target.set("revision", target.getInt("revision") + 1);
    tx.saveNoValidate(target);

    const entry = new Record(tx.findCachedCollectionByNameOrId("audit"));
    entry.load({ actor: e.auth.id, action: "copy", source: from, target: to });
    tx.saveNoValidate(entry);

    const change = new Record(tx.findCachedCollectionByNameOrId("outbox"));
    change.set("collection", "mobileconfigs");
    change.set("row", to);
    change.set("payload", configs);
    tx.saveNoValidate(change);

    copied = { _id: target.id, customer: customer, configs: configs };
  });

  return e.json(200, copied);
}, $apis.requireAuth("users"));
