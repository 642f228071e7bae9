/** The variables that the demo and the tests hand on to a pim or Deno that they start: settings of both, and of npm. */
export function passedEnvironment(): Record<string, string> {
  const wanted = /^(PIM_|XDG_|DENO_|NPM_CONFIG_|CI$|NO_COLOR$|https?_proxy$|no_proxy$)/i;
  return Object.fromEntries(Object.entries(Deno.env.toObject()).filter(([name]) => wanted.test(name)));
}
