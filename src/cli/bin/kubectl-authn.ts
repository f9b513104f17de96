#!/usr/bin/env node
/** The command `kubectl authn`: kubectl runs `kubectl-authn` for it. */
import { runCredentialPlugin } from '../credential-plugin.js'

await runCredentialPlugin('kubectl authn')
