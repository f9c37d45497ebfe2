// A whole cycle with PocketBase's official SDK: node docs/example.mjs
import PocketBase from "pocketbase";

const pb = new PocketBase("http://127.0.0.1:8090");
await pb
  .collection("_superusers")
  .authWithPassword("admin@example.com", process.env.DJANGO_SUPERUSER_PASSWORD);

await pb.backups.create("first.zip");
for (const backup of await pb.backups.getFullList()) {
  console.log(backup.modified, backup.size, backup.key);
}

const token = await pb.files.getToken();
const link = pb.backups.getDownloadURL(token, "first.zip");
const archive = await (await fetch(link)).blob();
console.log("downloaded", archive.size, "bytes");

await pb.backups.upload({ file: new File([archive], "copy.zip") });
await pb.backups.restore("copy.zip");
console.log("restored");
