// What Debian's installer asks at priority critical when a preseed leaves it out: the question as its text frontend
// shows it in English, and the answer that spares it, with the type and the value that a preseed wants. Read off the
// templates of bookworm and trixie.
const answers: Readonly<Record<string, string>> = {
  "Language": "debian-installer/locale string en_US.UTF-8",
  "Country, territory or area": "debian-installer/locale string en_US.UTF-8",
  "Keymap to use": "keyboard-configuration/xkb-keymap select us",
  "Primary network interface": "netcfg/choose_interface select auto",
  "Hostname": "netcfg/get_hostname string NAME",
  "Domain name": "netcfg/get_domain string DOMAIN",
  "Debian archive mirror country": "mirror/country string manual",
  "Debian archive mirror": "mirror/http/mirror select HOST",
  "Debian archive mirror hostname": "mirror/http/hostname string HOST",
  "Debian archive mirror directory": "mirror/http/directory string /debian",
  "HTTP proxy information (blank for none)": "mirror/http/proxy string",
  "Root password": "passwd/root-login boolean false",
  "Full name for the new user": "passwd/user-fullname string NAME",
  "Username for your account": "passwd/username string NAME",
  "Choose a password for the new user": "passwd/user-password-crypted password HASH",
  "Select your time zone": "time/zone string UTC",
  "Select disk to partition": "partman-auto/disk string /dev/vda",
  "Partitioning method": "partman-auto/method string regular",
  "Partitioning scheme": "partman-auto/choose_recipe select atomic",
  "Write a new empty partition table?": "partman-partitioning/confirm_write_new_label boolean true",
  "Write the changes to disks?": "partman/confirm boolean true",
  "Force UEFI installation?": "partman-efi/non_efi_system boolean true",
  "Choose software to install": "tasksel/first multiselect",
  "Participate in the package usage survey?": "popularity-contest/participate boolean false",
  "Updates management on this system": "pkgsel/update-policy select none",
  "Install the GRUB boot loader to your primary drive?": "grub-installer/only_debian boolean true",
  "Device for boot loader installation": "grub-installer/bootdev string default",
  "Installation complete": "finish-install/reboot_in_progress note",
};

/** The line of a preseed that answers a question of Debian's installer, by what is shown of it; undefined when unknown. */
export function preseedAnswer(question: string): string | undefined {
  const known = question.startsWith("This is an overview of your currently configured partitions")
    ? "partman/choose_partition select finish"
    : answers[question];
  return known && `d-i ${known}`;
}
