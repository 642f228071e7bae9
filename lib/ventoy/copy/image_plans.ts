import type { StickRecord } from "../stick/record.ts";
import { type ImagePlan, menuName } from "../stick/ventoy_json.ts";

/** What Ventoy's menu shall do with each ISO that pim has put on a stick. */
export function imagePlans({ isos, answers }: Pick<StickRecord, "isos" | "answers">): readonly ImagePlan[] {
  return isos.map(({ key, name, file }) => {
    const own = answers.filter(({ iso }) => iso === key);
    const profiles = own.map(({ profile }) => profile).join(" or ");
    return {
      image: `/${file}`,
      alias: menuName(own.length === 0 ? name : `${name}: installs ${profiles}`),
      templates: own.map((answer) => answer.file),
    };
  });
}
