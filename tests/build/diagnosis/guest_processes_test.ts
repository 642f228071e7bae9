import { deepEqual } from "node:assert/strict";
import { leavesBelow } from "../../../lib/build/diagnosis/guest_processes.ts";

// As Debian's ps printed it in a build, shortened.
const list = `
      1       0 /sbin/init
    410       1 sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups
    700     410 sshd: demo@notty
    705     700 sudo -k -S -p  sh -c . "$1.env" && exec "$1" sh /home/demo/.pim-build/web
    706     705 /bin/sh /home/demo/.pim-build/web
    720     706 apt-get install nginx
    731     720 /usr/bin/dpkg --configure nginx
    732     720 less /var/log/x
    740     700 ps -eo pid=,ppid=,args=
`;

Deno.test("what a script is doing is told by the programs it has started last", () => {
  deepEqual(leavesBelow(list, ".pim-build/web"), ["/usr/bin/dpkg --configure nginx", "less /var/log/x"]);
});

Deno.test("a script that became another program is found by what started it", () => {
  const exec = list.split("\n").filter((line) => !/ (720|731|732|740) /.test(line)).join("\n")
    .replace("/bin/sh /home/demo/.pim-build/web", "sleep 3600");
  deepEqual(leavesBelow(exec, ".pim-build/web"), ["sleep 3600"]);
});

Deno.test("where nothing is found nothing is told", () => {
  deepEqual(leavesBelow(list, ".pim-build/other"), []);
  deepEqual(leavesBelow("sh: ps: not found\n", "x"), []);
});
