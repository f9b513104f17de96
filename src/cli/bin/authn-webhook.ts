#!/usr/bin/env node
/** The command `authn-webhook`: kubeconfigs name `authn-webhook login`, which has to start fast. */
import { runCredentialPlugin } from '../credential-plugin.js'

/** They are in the bundle; the others load from the files beside it. */
const BUNDLED = ['login', 'logout', 'whoami']

if (BUNDLED.includes(process.argv[2] ?? '')) await runCredentialPlugin('authn-webhook')
else await import('../main.js')
