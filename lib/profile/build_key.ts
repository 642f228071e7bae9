/** The comment of the key with which a build logs in; finalize takes the key out of the system by it. */
export const buildKeyComment = "pim-build-key";
