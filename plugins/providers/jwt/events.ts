/** Events of the provider, each counted by issuer. The reasons of denials are among them. */
export const EVENTS = ['authenticated', 'wrong-credential', 'audience', 'expired', 'not-member', 'revoked', 'group-overage', 'keys-refreshed', 'keys-refresh-failed'] as const
export type EventName = typeof EVENTS[number]
