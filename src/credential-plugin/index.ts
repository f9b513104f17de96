/** The credential plugin of kubectl, without its command line. */
export { type Account } from './account.js'
export { cacheDirectory } from './cache/directory.js'
export { execCredential } from './exec-credential.js'
export { API_VERSIONS, readExecInfo, trustOf, type ExecInfo } from './exec-info.js'
export { hasBrowser } from './flows/possible-flows.js'
export { type FlowName } from './flows/flow.js'
export { SignInError } from './sign-in-error.js'
export { getToken, type Dialogue, type TokenRequest } from './token.js'
