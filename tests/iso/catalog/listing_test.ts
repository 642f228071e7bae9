import assert from "node:assert/strict";
import { listingNames } from "../../../lib/iso/catalog/listing.ts";
import { currentVersion, newestOf, withVersion } from "../../../lib/iso/catalog/newest.ts";

const url = "https://cdimage.example.org/cdimage/archive/";
const names = ["13.4.0", "13.5.0", "a b.iso"];

Deno.test("the listings of Apache, nginx and lighttpd, nginx's JSON and plain lists give the same names", () => {
  const listings = {
    apache: `<table><tr><th><a href="?C=N;O=D">Name</a></th><th><a href="?C=M;O=A">Last modified</a></th></tr>
<tr><td><a href="/cdimage/">Parent Directory</a></td></tr>
<tr><td><img src="/icons/folder.gif" alt="[DIR]"></td><td><a href="13.4.0/">13.4.0/</a></td><td>2026-03-14 20:01</td></tr>
<tr><td><a href="13.5.0/">13.5.0/</a></td></tr><tr><td><a href="a%20b.iso">a b.iso</a></td></tr></table>`,
    nginx:
      `<h1>Index of /cdimage/archive/</h1><hr><pre><a href="../">../</a>\r\n<a href="13.4.0/">13.4.0/</a>  14-Mar-2026 20:01  -\r\n` +
      `<a href="13.5.0/">13.5.0/</a>\r\n<a href="a%20b.iso">a b.iso</a></pre>`,
    lighttpd:
      `<tr class="d"><td class="n"><a href="../">..</a>/</td></tr><tr class="d"><td class="n"><a href='13.4.0/'>13.4.0</a>/</td>` +
      `<tr><td><a href=13.5.0/>13.5.0</a>/</td><td><a href="a%20b.iso">a b.iso</a></td></tr>`,
    absolute: `<a href="https://cdimage.example.org/">Home</a> <a href="/cdimage/archive/13.4.0/">x</a>` +
      `<A HREF="${url}13.5.0/">y</A> <a href="/cdimage/archive/a%20b.iso">z</a> <a href="/cdimage/archive/13.5.0/deep/">w</a>`,
    json: `[{ "name":"13.4.0", "type":"directory" }, { "name":"13.5.0", "type":"directory" },
{ "name":"a b.iso", "type":"file", "size": 1 }]`,
  };
  for (const [server, text] of Object.entries(listings)) {
    assert.deepEqual(listingNames(text, url), names, server);
  }
  assert.deepEqual(
    listingNames(
      `drwxr-xr-x 2 ftp ftp 4096 Mar 14 13.4.0\nlrwxrwxrwx 1 ftp ftp 6 Mar 14 13.5.0 -> 13.4.0\n`,
      url,
    ),
    ["13.4.0", "13.5.0"],
  );
  assert.deepEqual(listingNames("13.4.0/\n13.5.0/\n", url.slice(0, -1)), ["13.4.0", "13.5.0"]);
  assert.deepEqual(listingNames("", url), []);
});

Deno.test("the newest version is that of the whole names that match, and can do no harm in a URL", () => {
  const pattern = "(13\\.\\d+\\.\\d+)";
  assert.equal(newestOf(["13.9.0", "13.10.0", "13.11.0-live", "12.99.0", "x13.20.0"], pattern), "13.10.0");
  assert.equal(newestOf(["12.0.0"], pattern), undefined);
  assert.equal(newestOf(["x-1.2-rc1.iso", "x-1.2.iso", "x-1.1.iso"], "x-(.*)\\.iso"), "1.2");
  assert.equal(newestOf(["x-../../etc", "x-1\n2", "x- ", "x-a'b"], "x-([^]*)"), undefined);
});

Deno.test("a version is replaced where it stands by itself", () => {
  assert.equal(
    withVersion("https://e.org/13.5.0/debian-13.5.0-amd64.iso?v=13.5.0", "13.5.0", "13.10.0"),
    "https://e.org/13.10.0/debian-13.10.0-amd64.iso?v=13.10.0",
  );
  assert.equal(
    withVersion("/15.1/v15.1_115.1/15.1.2/1.15.1/15.10", "15.1", "$&"),
    "/$&/v$&_115.1/15.1.2/1.15.1/15.10",
  );
  const rule = { url, pattern: "(?:debian-)?(13\\.\\d+\\.\\d+)" };
  assert.equal(currentVersion("x", "https://e.org/archive/13.5.0/x.iso", rule), "13.5.0");
  assert.throws(() => currentVersion("x", "https://e.org/current/x.iso", rule), /no part of its url matches/);
});
