import { Type, type Static } from '@sinclair/typebox'
import { Closed, MapOf } from '../primitives.js'

export const MockProviderConfig = Closed({
  allowMock: Type.Boolean({ default: false, description: 'Allow this provider without `serve --mock`: it authenticates every caller as `user`; do not use in production.' }),
  user: Closed({
    username: Type.String({ minLength: 1, default: 'mock' }),
    uid: Type.Optional(Type.String()),
    groups: Type.Array(Type.String(), { default: ['group-mock'] }),
    extra: Type.Optional(MapOf(Type.Array(Type.String())))
  }, { default: {}, description: 'User that every caller is authenticated as.' })
})
export type MockProviderConfig = Static<typeof MockProviderConfig>
