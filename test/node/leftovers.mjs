// What a run could leave behind on the machine: to be compared before and after.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { CGROUPS } from '../chart-install/isolation.mjs'

const SYSCTLS = ['vm/overcommit_memory', 'vm/panic_on_oom', 'kernel/panic', 'kernel/panic_on_oops', 'kernel/keys/root_maxkeys', 'kernel/keys/root_maxbytes']
/** Where a kubelet, containerd and network plug-ins write by default. */
const FOLDERS = ['/var/log/pods', '/var/log/containers', '/var/lib/kubelet', '/var/lib/cni', '/var/lib/containerd', '/usr/libexec/kubernetes', '/etc/cni', '/run', '/run/netns']
const PROGRAMS = /\b(etcd|containerd|containerd-shim\S*|runc|catatonit|kubelet|kube-\S+|unshare)\b/
/** Milliseconds that the kernel may take to end them. */
const PATIENCE = 60_000

/** @returns a line for each of them */
export function takeStock () {
  return [
    ...lines('ps', ['-eo', 'pid,comm']).filter(line => PROGRAMS.test(line)).map(line => `process ${line}`),
    ...lines('lsns', ['--noheadings', '--output', 'TYPE,NS,COMMAND', '--type', 'net']).map(line => `namespace ${line}`),
    ...readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n').map(line => `mount ${line.split(' ')[4]}`),
    ...lines('ip', ['-oneline', 'link']).map(line => `link ${line.split(':')[1]}`),
    ...lines('iptables-save', []).filter(line => /^[-:*]/.test(line)).map(line => `rule ${line.replace(/\[.*/, '')}`),
    ...SYSCTLS.map(name => `sysctl ${name} = ${readFileSync(`/proc/sys/${name}`, 'utf8').trim()}`),
    ...lines('find', ['/sys/fs/cgroup', '-type', 'd', '-name', CGROUPS]).map(line => `control group ${line}`),
    ...FOLDERS.filter(existsSync).flatMap(folder => readdirSync(folder).map(name => `file ${folder}/${name}`))
  ]
}

/** Waits until nothing is left that was not there before. @returns what is left */
export async function findLeftovers (before) {
  const end = Date.now() + PATIENCE
  for (;;) {
    const left = takeStock().filter(line => !before.includes(line))
    if (left.length === 0 || Date.now() > end) return left
    await sleep(500)
  }
}

function lines (command, args) {
  return spawnSync(command, args, { encoding: 'utf8' }).stdout.trim().split('\n').filter(Boolean).map(line => line.trim())
}
