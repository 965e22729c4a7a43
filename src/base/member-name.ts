/** A member's name is a part of its object's name and of URLs. */
const MEMBER_NAME = /^[a-z0-9][a-z0-9-]{0,30}$/;

export function isMemberName(text: string): boolean {
  return MEMBER_NAME.test(text);
}

/** A binding of a Durable Object namespace. */
const BINDING = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;

export function isBindingName(text: string): boolean {
  return BINDING.test(text);
}

/** The binding of a member that is given no other. */
export const DEFAULT_BINDING = "REPLICA";
