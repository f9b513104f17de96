import { type Static } from '@sinclair/typebox'
import { Closed, Path } from '../primitives.js'

export const StaticProviderConfig = Closed({
  usersFile: Path
})
export type StaticProviderConfig = Static<typeof StaticProviderConfig>
