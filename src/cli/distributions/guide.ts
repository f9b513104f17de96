/**
 * How to set up the webhook on a Kubernetes distribution: where to put the webhook
 * kubeconfig, the edit that refers to it, how to restart the API server, and how
 * to undo it. docs/api-server.md has the same text; a test compares them.
 */
import type { Kubeconfig } from '../../../schemas/kubeconfig.js'

export interface SetupStep {
  /** Markdown on one line. */
  readonly text: string
  /** Commands, or text for a file; ends with a newline. */
  readonly code: { readonly language: 'sh' | 'yaml', readonly text: string }
}

export interface DistributionGuide {
  readonly title: string
  /** In order, on every control plane node. */
  readonly steps: readonly SetupStep[]
  /** To replace the printed file. */
  readonly change: SetupStep
  readonly undo: SetupStep
  /** The file for this distribution, if it isn't the kubeconfig itself. */
  readonly document?: (kubeconfig: Kubeconfig) => object
}

export function shell (text: string, code: string): SetupStep {
  return { text, code: { language: 'sh', text: code } }
}

export function yaml (text: string, code: string): SetupStep {
  return { text, code: { language: 'yaml', text: code } }
}

/**
 * Waits for an API server with the flag: the previous one, which crictl can't tell
 * apart, keeps running for up to a minute. Run on its node, as root.
 */
export const WAIT_FOR_FLAG = 'timeout 180 sh -c \'until pgrep --full "[k]ube-apiserver .*--authentication-token-webhook-config-file" > /dev/null && curl --silent --fail --insecure https://127.0.0.1:6443/readyz; do sleep 1; done\''
