// Drives a running site with PocketBase's official SDK, as a client of its own.
//
//   node backups.mjs http://127.0.0.1:8090 superuser@… user@… password
//
// Prints one line of JSON for each check: {"name", "ok", "error"}.
import assert from "node:assert/strict";
import PocketBase, { ClientResponseError } from "pocketbase";

const [url, superuser, user, password] = process.argv.slice(2);
const pb = new PocketBase(url).autoCancellation(false);
const BUSY_OR_CLOSED = [400, 503];
const NAME = /^pb_backup_acme_\d{14}(_\d+)?\.zip$/;
const DATE = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z$/;

const checks = [];
const check = (name, run) => checks.push({ name, run });

const keys = async () => (await pb.backups.getFullList()).map((item) => item.key);

async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof ClientResponseError, String(error));
    assert.equal(error.response.status, error.status);
    assert.equal(error.response.message, error.message);
    assert.equal(error.isAbort, false);
    return error;
  }
  assert.fail("the call was not refused");
}

async function download(key) {
  const token = await pb.files.getToken();
  const answer = await fetch(pb.backups.getDownloadURL(token, key));
  assert.equal(answer.status, 200);
  return answer.blob();
}

check("a guest learns only that the site is healthy", async () => {
  const health = await pb.health.check();
  assert.equal(health.code, 200);
  assert.equal(health.message, "API is healthy.");
  assert.deepEqual(health.data, {});
});

check("a guest is refused with 401 and an error object", async () => {
  const error = await refusal(pb.backups.getFullList());
  assert.equal(error.status, 401);
  assert.equal(error.message, "The request requires valid record authorization token.");
  assert.deepEqual(error.response.data, {});
  assert.equal(error.url, `${url}/api/backups`);
});

check("the login methods name the password", async () => {
  const methods = await pb.collection("_superusers").listAuthMethods();
  assert.equal(methods.password.enabled, true);
  assert.ok(methods.password.identityFields.includes("email"));
  assert.equal(methods.mfa.enabled, false);
  assert.equal(methods.otp.enabled, false);
  assert.deepEqual(methods.oauth2.providers, []);
});

check("a wrong password is 400 and leaves the store empty", async () => {
  const login = pb.collection("_superusers").authWithPassword(superuser, "wrong");
  const error = await refusal(login);
  assert.equal(error.status, 400);
  assert.equal(error.message, "Failed to authenticate.");
  assert.equal(pb.authStore.isValid, false);
});

check("missing credentials are field errors", async () => {
  const error = await refusal(pb.collection("_superusers").authWithPassword("", ""));
  assert.equal(error.status, 400);
  assert.equal(error.response.data.identity.code, "validation_required");
  assert.equal(error.response.data.password.code, "validation_required");
});

check("an ordinary user logs in but may not see backups", async () => {
  const other = new PocketBase(url);
  await other.collection("users").authWithPassword(user, password);
  assert.equal(other.authStore.isValid, true);
  assert.equal(other.authStore.isSuperuser, false);
  for (const call of [
    () => other.backups.getFullList(),
    () => other.backups.create("user.zip"),
    () => other.backups.delete("user.zip"),
    () => other.backups.restore("user.zip"),
    () => other.backups.upload({ file: new File(["PK\x05\x06"], "user.zip") }),
  ]) {
    const error = await refusal(call());
    assert.equal(error.status, 403);
    assert.equal(
      error.message,
      "The authorized record is not allowed to perform this action.",
    );
  }
});

check("an ordinary user is no superuser", async () => {
  const login = pb.collection("_superusers").authWithPassword(user, password);
  assert.equal((await refusal(login)).status, 400);
});

check("a superuser logs in", async () => {
  const answer = await pb.collection("_superusers").authWithPassword(superuser, password);
  assert.equal(answer.token, pb.authStore.token);
  assert.equal(answer.record.email, superuser);
  assert.equal(answer.record.collectionName, "_superusers");
  assert.equal(answer.record.id.length, 15);
  assert.equal(pb.authStore.isValid, true);
  assert.equal(pb.authStore.isSuperuser, true);
});

check("a login is refreshed", async () => {
  const answer = await pb.collection("_superusers").authRefresh();
  assert.equal(answer.record.email, superuser);
  assert.equal(pb.authStore.isValid, true);
  assert.equal(pb.authStore.isSuperuser, true);
});

check("a superuser learns that a backup may start", async () => {
  const { data } = await pb.health.check();
  assert.equal(data.canBackup, true);
  assert.equal(data.realIP, "127.0.0.1");
  assert.equal(data.possibleProxyHeader, "");
});

check("there are no backups at first", async () => {
  assert.deepEqual(await pb.backups.getFullList(), []);
});

check("a backup is created under its name", async () => {
  assert.equal(await pb.backups.create("one.zip"), true);
  const [item] = await pb.backups.getFullList();
  assert.deepEqual(Object.keys(item), ["modified", "key", "size"]);
  assert.equal(item.key, "one.zip");
  assert.match(item.modified, DATE);
  assert.ok(Number.isInteger(item.size) && item.size > 0);
});

check("a backup without a name gets one", async () => {
  assert.equal(await pb.backups.create(""), true);
  const made = (await keys()).filter((key) => key !== "one.zip");
  assert.equal(made.length, 1);
  assert.match(made[0], NAME);
  await pb.backups.delete(made[0]);
});

check("a bad name is a field error", async () => {
  const error = await refusal(pb.backups.create("Bad Name.zip"));
  assert.equal(error.status, 400);
  assert.equal(error.response.data.name.code, "validation_match_invalid");
});

check("a name too long is a field error with its limits", async () => {
  const error = await refusal(pb.backups.create(`${"x".repeat(147)}.zip`));
  assert.equal(error.response.data.name.code, "validation_length_out_of_range");
  assert.deepEqual(error.response.data.name.params, { max: 150, min: 1 });
});

check("a taken name is a field error", async () => {
  const error = await refusal(pb.backups.create("one.zip"));
  assert.equal(error.response.data.name.code, "validation_backup_name_exists");
});

check("the list can be cut down to some fields", async () => {
  assert.deepEqual(await pb.backups.getFullList({ fields: "key" }), [{ key: "one.zip" }]);
});

check("a download link gives the whole archive", async () => {
  const archive = await download("one.zip");
  const [{ size }] = await pb.backups.getFullList();
  assert.equal(archive.size, size);
  assert.equal(await archive.slice(0, 2).text(), "PK");
});

check("a download link takes no login token", async () => {
  const answer = await fetch(pb.backups.getDownloadURL(pb.authStore.token, "one.zip"));
  assert.equal(answer.status, 403);
});

check("the old spelling of the download link works", async () => {
  const link = pb.backups.getDownloadUrl(await pb.files.getToken(), "one.zip");
  assert.equal((await fetch(link)).status, 200);
});

check("a File is uploaded under its own name", async () => {
  const file = new File([await download("one.zip")], "upload.zip");
  assert.equal(await pb.backups.upload({ file }), true);
  assert.ok((await keys()).includes("upload.zip"));
});

check("FormData is uploaded", async () => {
  const form = new FormData();
  form.append("file", await download("one.zip"), "form.zip");
  assert.equal(await pb.backups.upload(form), true);
  assert.ok((await keys()).includes("form.zip"));
});

check("a Blob is uploaded as blob", async () => {
  assert.equal(await pb.backups.upload({ file: await download("one.zip") }), true);
  assert.ok((await keys()).includes("blob"));
});

check("an upload keeps an unusual name, and its link works", async () => {
  const original = await download("one.zip");
  for (const name of ["@auto Ünï & co%.ZIP", "a+b=c#d?.zip"]) {
    await pb.backups.upload({ file: new File([original], name) });
    assert.ok((await keys()).includes(name));
    const copy = await download(name);
    assert.deepEqual(await copy.arrayBuffer(), await original.arrayBuffer());
    assert.equal(await pb.backups.delete(name), true);
    assert.ok(!(await keys()).includes(name));
  }
});

check("an upload under a taken name is a field error", async () => {
  const file = new File([await download("one.zip")], "upload.zip");
  const error = await refusal(pb.backups.upload({ file }));
  assert.equal(error.status, 400);
  assert.equal(error.response.data.file.code, "validation_backup_name_exists");
});

check("an upload that is no zip is a field error", async () => {
  const error = await refusal(pb.backups.upload({ file: new File(["text"], "text.zip") }));
  assert.equal(error.status, 400);
  assert.equal(error.response.data.file.code, "validation_invalid_mime_type");
});

check("an upload of nothing is a field error", async () => {
  const error = await refusal(pb.backups.upload(new FormData()));
  assert.equal(error.status, 400);
  assert.equal(error.response.data.file.code, "validation_required");
});

check("a backup is deleted", async () => {
  for (const key of ["form.zip", "blob"]) {
    assert.equal(await pb.backups.delete(key), true);
  }
  assert.deepEqual(await keys(), ["one.zip", "upload.zip"]);
});

check("a missing backup can't be deleted", async () => {
  const error = await refusal(pb.backups.delete("missing.zip"));
  assert.equal(error.status, 400);
  assert.match(error.message, /^Invalid or already deleted backup file\./);
});

check("a missing backup can't be restored", async () => {
  const error = await refusal(pb.backups.restore("missing.zip"));
  assert.equal(error.status, 400);
  assert.equal(error.message, "Missing or invalid backup file.");
});

check("a backup that was uploaded is restored", async () => {
  assert.equal(await pb.backups.restore("upload.zip"), true);
  const deadline = Date.now() + 30_000;
  while (!(await isIdle())) {
    assert.ok(Date.now() < deadline, "the restore did not end");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const [last] = await pb.send("/api/operations");
  assert.deepEqual([last.kind, last.key, last.state], ["restore", "upload.zip", "succeeded"]);
});

async function isIdle() {
  try {
    return (await pb.health.check()).data.canBackup;
  } catch (error) {
    assert.ok(BUSY_OR_CLOSED.includes(error.status), String(error));
    return false;
  }
}

check("the login and the backups outlive the restore", async () => {
  await pb.collection("_superusers").authRefresh();
  const [safetyCopy, ...others] = await keys();
  assert.match(safetyCopy, /^@before_restore_/);
  assert.deepEqual(others, ["one.zip", "upload.zip"]);
});

check("a logout leaves a guest", async () => {
  pb.authStore.clear();
  assert.equal(pb.authStore.isValid, false);
  assert.equal((await refusal(pb.files.getToken())).status, 401);
});

for (const { name, run } of checks) {
  let error = "";
  await run().catch((reason) => (error = reason.stack ?? String(reason)));
  console.log(JSON.stringify({ name, ok: !error, error }));
}
