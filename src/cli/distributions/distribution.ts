/**
 * What a Kubernetes distribution wants: where the webhook config lies, the edit
 * that names it, how its API server restarts, and how all that is undone. The
 * same words stand in docs/api-server.md; a test compares them.
 */
import type { Kubeconfig } from '../../../schemas/kubeconfig.js'

export interface Step {
  /** Markdown on one line. */
  readonly text: string
  /** What is typed, or added to a file; ends with a newline. */
  readonly code: { readonly language: 'sh' | 'yaml', readonly text: string }
}

export interface Distribution {
  /** As its own documentation writes it. */
  readonly title: string
  /** In their order, on every control plane node. */
  readonly steps: readonly Step[]
  /** After the printed file has changed. */
  readonly change: Step
  readonly undo: Step
  /** The file that this distribution takes, where it isn't the kubeconfig itself. */
  readonly document?: (kubeconfig: Kubeconfig) => object
}

export function shell (text: string, code: string): Step {
  return { text, code: { language: 'sh', text: code } }
}

export function yaml (text: string, code: string): Step {
  return { text, code: { language: 'yaml', text: code } }
}

/**
 * Waits for an API server that has the flag: the one before it keeps running for
 * up to a minute, and looks the same to crictl. Run on its node, as root.
 */
export const WAIT_FOR_FLAG = 'timeout 180 sh -c \'until pgrep --full "[k]ube-apiserver .*--authentication-token-webhook-config-file" > /dev/null && curl --silent --fail --insecure https://127.0.0.1:6443/readyz; do sleep 1; done\''
