/** How long one measurement may take. Many times what it does take on a busy machine. */
export const LIMIT_MILLISECONDS = 180_000;
