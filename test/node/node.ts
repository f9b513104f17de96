/**
 * A node of a cluster: a network of its own, and in it a containerd, a kubelet and
 * a kube-proxy. They end with the machine that `npm run test:node` runs a file in.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { startProcess, tool, type Cluster } from '../e2e/cluster.js'
import { type } from '../chart-install/podman.js'
import { until } from '../fixtures/waiting.js'

const BRIDGE = 'lan'

export interface Node {
  readonly name: string
  readonly address: string
  /** What runs a command on it. */
  readonly enter: readonly string[]
  /** Types a line into bash as root on it. @throws where it fails */
  run: (line: string) => Promise<string>
  /** Pulls the plug of its network, or puts it in again. */
  connect: (connected: boolean) => Promise<void>
}

/** The switch that all nodes and the test are at. */
export async function startNetwork (): Promise<void> {
  await root(`ip link add ${BRIDGE} type bridge && ip address add 10.200.0.254/24 dev ${BRIDGE} && ip link set ${BRIDGE} up`)
}

/** The host, without anything of Kubernetes: a network, mounts, and a /var of its own. */
export async function startHost (dir: string, index: number): Promise<Node> {
  const name = `node-${index}`
  const address = `10.200.0.${index}`
  await mkdir(join(dir, name))
  // each kubelet removes the logs of pods that it does not know; all of them have their logs in the same place
  const holder = spawn('unshare', ['--net', '--mount', 'bash', '--norc', '-euc', 'mount -t tmpfs tmpfs /var && mkdir /var/lib /var/log && echo && exec sleep infinity'], { stdio: ['ignore', 'pipe', 'ignore'] })
  await once(holder.stdout, 'data')
  holder.stdout.destroy()
  holder.unref()
  const enter = ['nsenter', `--target=${holder.pid}`, '--net', '--mount']
  const run: Node['run'] = async line => await root(line, enter)
  await root([
    `ip link add ${name} type veth peer name eth0 netns ${holder.pid}`,
    `ip link set ${name} master ${BRIDGE} up`,
    `ip route add 10.100.${index}.0/24 via ${address}`
  ].join('\n'))
  await run([
    'ip link set lo up',
    `ip address add ${address}/24 dev eth0`,
    'ip link set eth0 up',
    // of Services; kube-proxy sends them elsewhere. Nothing else is anywhere, and a kubelet that asks for its cloud is told so at once
    'ip route add 10.96.0.0/24 via 10.200.0.254',
    'echo 1 > /proc/sys/net/ipv4/ip_forward',
    // a kubelet does not make its own; a cpuset is of use with processors and memory only
    `for hierarchy in /sys/fs/cgroup/*/; do
      for group in ${dirname(cgroupOf(name))} ${cgroupOf(name)}; do
        mkdir -p "$hierarchy$group"
        for file in cpuset.cpus cpuset.mems; do [ ! -e "$hierarchy$group/$file" ] || cat "$(dirname "$hierarchy$group")/$file" > "$hierarchy$group/$file"; done
      done
    done`,
    // all pods together would get as much of a busy processor as one of the other processes here
    `for file in /sys/fs/cgroup/*/${dirname(process.env['CGROUP']!)}/cpu.shares; do [ ! -e "$file" ] || echo 262144 > "$file"; done`
  ].join('\n'))
  return {
    name,
    address,
    enter,
    run,
    connect: async connected => { await root(`ip link set ${name} ${connected ? 'up' : 'down'}`) }
  }
}

/** Routes to the pods of the other nodes, which a network plug-in would set. */
export async function connectPods (nodes: readonly Node[]): Promise<void> {
  for (const node of nodes) {
    for (const [index, other] of nodes.entries()) {
      if (other !== node) await node.run(`ip route add 10.100.${index + 1}.0/24 via ${other.address}`)
    }
  }
}

interface JoinOptions {
  readonly cluster: Cluster
  readonly proxyKubeconfig: string
  /** Subnet of its pods. */
  readonly pods: string
}

/** containerd with the image, as the documentation loads it, then the kubelet and kube-proxy. */
export async function joinCluster (dir: string, node: Node, { cluster, proxyKubeconfig, pods }: JoinOptions): Promise<void> {
  const home = join(dir, node.name)
  await writeConfigs(home, node, pods, cluster.authority)
  await startProcess([...node.enter, 'containerd'], ['--config', join(home, 'containerd.toml')], join(home, 'containerd.log'))
  await until('containerd to listen', async () => existsSync(join(home, 'containerd.sock')))
  await node.run(`${ctr(home)} images import ${process.env['PAUSE_ARCHIVE']} && ${ctr(home)} images import - < ${process.env['ARCHIVE']}`)
  await startProcess([...node.enter, tool('KUBELET')], [
    `--config=${home}/kubelet.yaml`, `--kubeconfig=${await cluster.kubeconfigFor(`system:node:${node.name}`, 'system:nodes')}`,
    `--hostname-override=${node.name}`, `--node-ip=${node.address}`, `--root-dir=${home}/kubelet`, `--volume-plugin-dir=${home}/plugins`, `--cert-dir=${home}/pki`,
    '--container-runtime=remote', `--container-runtime-endpoint=unix://${home}/containerd.sock`, '--v=2'
  ], join(home, 'kubelet.log'))
  await startProcess([...node.enter, tool('KUBE_PROXY')], [
    `--kubeconfig=${proxyKubeconfig}`, `--hostname-override=${node.name}`,
    '--proxy-mode=iptables', '--cluster-cidr=10.100.0.0/16',
    // these are the whole machine's
    '--conntrack-max-per-core=0', '--conntrack-min=0', '--conntrack-tcp-timeout-established=0s', '--conntrack-tcp-timeout-close-wait=0s'
  ], join(home, 'kube-proxy.log'))
}

async function writeConfigs (home: string, node: Node, pods: string, clientCAFile: string): Promise<void> {
  await mkdir(join(home, 'cni'))
  const files = {
    'containerd.toml': `
version = 2
root = "${home}/containerd"
state = "/run/${node.name}"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]
[grpc]
  address = "${home}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${process.env['PAUSE_IMAGE']}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${home}/cni"
`,
    'kubelet.yaml': JSON.stringify({
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      kind: 'KubeletConfiguration',
      authentication: { anonymous: { enabled: false }, webhook: { enabled: false }, x509: { clientCAFile } },
      authorization: { mode: 'AlwaysAllow' },
      cgroupDriver: 'cgroupfs',
      cgroupRoot: `/${cgroupOf(node.name)}`,
      failSwapOn: false,
      nodeStatusUpdateFrequency: '2s',
      clusterDNS: ['10.96.0.10'],
      resolvConf: '',
      // however full this machine is
      evictionHard: { 'memory.available': '1Mi', 'nodefs.available': '1Mi', 'imagefs.available': '1Mi' },
      imageGCHighThresholdPercent: 100
    }),
    'cni/10-pods.conflist': JSON.stringify({
      cniVersion: '0.4.0',
      name: 'pods',
      plugins: [{
        type: 'bridge',
        bridge: 'cni0',
        isGateway: true,
        hairpinMode: true,
        ipam: { type: 'host-local', dataDir: join(home, 'addresses'), ranges: [[{ subnet: pods }]], routes: [{ dst: '0.0.0.0/0' }] }
      }]
    })
  }
  for (const [name, content] of Object.entries(files)) await writeFile(join(home, name), content)
}

/** Below each hierarchy. */
export function cgroupOf (node: string): string {
  return `${process.env['CGROUP']}/${node}`
}

function ctr (home: string): string {
  return `ctr --address ${home}/containerd.sock --namespace k8s.io`
}

async function root (script: string, [command = 'bash', ...args]: readonly string[] = []): Promise<string> {
  const { code, stdout, stderr } = await type(command, [...args, ...command === 'bash' ? [] : ['bash'], '--norc', '-euo', 'pipefail', '-c', script])
  if (code !== 0) throw new Error(`this ended with ${code}:\n${script}\n${stderr}`)
  return stdout
}
