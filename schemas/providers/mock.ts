import { Type, type Static } from '@sinclair/typebox'
import { Closed, MapOf } from '../primitives.js'

export const MockProviderConfig = Closed({
  allowMock: Type.Boolean({ default: false, description: 'Required outside `serve --mock`: this provider lets anybody in.' }),
  user: Closed({
    username: Type.String({ minLength: 1, default: 'mock' }),
    uid: Type.Optional(Type.String()),
    groups: Type.Array(Type.String(), { default: ['group-mock'] }),
    extra: Type.Optional(MapOf(Type.Array(Type.String())))
  }, { default: {}, description: 'Whom everybody is taken for.' })
})
export type MockProviderConfig = Static<typeof MockProviderConfig>
