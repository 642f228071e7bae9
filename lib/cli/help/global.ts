/** Flags that every command takes, as takeGlobalFlags understands them. */
export const globalFlags = [
  {
    term: "--project DIR",
    name: "--project",
    brief: "The project folder to use (default: the nearest one upwards with a pim.yml)",
  },
  { term: "-q, --quiet", name: "--quiet", brief: "Results and errors only" },
  { term: "--debug", name: "--debug", brief: "Every program that is started, and stack traces" },
] as const;
