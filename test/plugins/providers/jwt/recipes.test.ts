/** Every recipe of docs/jwt.md, with a token of the shape that its issuer signs. Their keys are in a file, in place of the network. */
import { readFileSync } from 'node:fs'
import { load } from 'js-yaml'
import { test } from 'tap'
import type { UserInfo } from '../../../../src/authn/provider.js'
import { NOW, issuerWith, makeKey, openJwt, signed } from '../../../fixtures/jwt.js'

const RECIPES = recipesOf(readFileSync(new URL('../../../../docs/jwt.md', import.meta.url), 'utf8'))
const key = await makeKey('RS256', 'issuer')

interface Recipe {
  /** What every token of the issuer has. */
  readonly claims: Record<string, unknown>
  readonly user: UserInfo
  /** Claims of tokens that the recipe rejects. */
  readonly denied?: ReadonlyArray<[what: string, claims: Record<string, unknown>, reason: string]>
}

const TENANT = '11111111-2222-3333-4444-555555555555'
const recipes: Array<[heading: string, recipe: Recipe]> = [
  ['Keycloak', {
    claims: {
      iss: 'https://keycloak.example.com/realms/main',
      aud: 'kubernetes',
      azp: 'kubernetes',
      typ: 'ID',
      jti: '5b1c6a0e-4c1f-4e0c-9c39-0d3fb4c8a111',
      auth_time: NOW(),
      session_state: 'a',
      acr: '1',
      sub: 'f3b6c0c4-7c1b-4d5a-9f1e-1a2b3c4d5e6f',
      email_verified: true,
      name: 'Alice Example',
      preferred_username: 'alice',
      email: 'alice@example.com',
      groups: ['/developers', '/teams/platform', 'flat'],
      realm_access: { roles: ['offline_access'] },
      resource_access: { account: { roles: ['view-profile'] } }
    },
    user: { username: 'alice', uid: 'f3b6c0c4-7c1b-4d5a-9f1e-1a2b3c4d5e6f', groups: ['developers', 'teams/platform', 'flat'] },
    denied: [['an access token for another client', { aud: 'account' }, 'audience']]
  }],
  ['Dex', {
    claims: { iss: 'https://dex.example.com', aud: 'kubernetes', sub: 'CgVhbGljZRIEbGRhcA', at_hash: 'x', email: 'alice@example.com', email_verified: true, groups: ['developers'], name: 'Alice', preferred_username: 'alice' },
    user: { username: 'alice@example.com', uid: 'CgVhbGljZRIEbGRhcA', groups: ['developers'] },
    denied: [['an address that nobody has verified', { email_verified: false }, 'wrong-credential'], ['no address', { email: undefined }, 'wrong-credential']]
  }],
  ['Entra ID', {
    claims: {
      iss: `https://login.microsoftonline.com/${TENANT}/v2.0`,
      aud: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      tid: TENANT,
      ver: '2.0',
      aio: 'A',
      rh: '0.A',
      uti: 'u',
      name: 'Alice Example',
      sub: 'pairwise-1',
      oid: '99999999-0000-1111-2222-333333333333',
      preferred_username: 'alice@example.com',
      groups: ['0b3c0000-0000-0000-0000-000000000001']
    },
    user: { username: '99999999-0000-1111-2222-333333333333', uid: '99999999-0000-1111-2222-333333333333', groups: ['0b3c0000-0000-0000-0000-000000000001'], extra: { 'example.com/name': ['alice@example.com'] } },
    denied: [
      ['a token of another tenant', { tid: '00000000-0000-0000-0000-000000000000' }, 'wrong-credential'],
      ['more than 200 groups', { groups: undefined, _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: `https://graph.windows.net/${TENANT}/users/9/getMemberObjects` } } }, 'not-member'],
      ['more groups than fit into the fragment of a URL', { groups: undefined, hasgroups: true }, 'not-member']
    ]
  }],
  ['Entra ID', {
    claims: { iss: `https://sts.windows.net/${TENANT}/`, aud: 'api://kubernetes', tid: TENANT, ver: '1.0', appid: 'x', sub: 'pairwise-2', oid: '99999999-0000-1111-2222-333333333333', upn: 'alice@example.com', unique_name: 'alice@example.com', groups: ['0b3c0000-0000-0000-0000-000000000001'] },
    user: { username: '99999999-0000-1111-2222-333333333333', uid: '99999999-0000-1111-2222-333333333333', groups: ['0b3c0000-0000-0000-0000-000000000001'], extra: { 'example.com/name': ['alice@example.com'] } }
  }],
  ['Google', {
    claims: { iss: 'https://accounts.google.com', aud: '1234567890-abc.apps.googleusercontent.com', azp: '1234567890-abc.apps.googleusercontent.com', sub: '110169484474386276334', hd: 'example.com', email: 'alice@example.com', email_verified: true, at_hash: 'x' },
    user: { username: 'alice@example.com', uid: '110169484474386276334' },
    denied: [['a private account', { hd: undefined, email: 'mallory@gmail.com' }, 'wrong-credential'], ['another organization', { hd: 'other.example' }, 'wrong-credential']]
  }],
  ['Okta', {
    claims: { iss: 'https://example.okta.com', aud: '0oa1b2c3d4e5f6g7h8i9', ver: 1, sub: '00u1abcd', name: 'Alice', preferred_username: 'alice@example.com', amr: ['pwd', 'mfa'], idp: '00o1', auth_time: NOW(), groups: ['k8s-developers'] },
    user: { username: 'alice@example.com', uid: '00u1abcd', groups: ['k8s-developers'] },
    denied: [['no group for Kubernetes', { groups: ['everyone'] }, 'not-member'], ['no groups at all', { groups: undefined }, 'not-member']]
  }],
  ['Zitadel', {
    claims: { iss: 'https://example.zitadel.cloud', aud: ['234567890123456789@main', '123456789012345678'], azp: '234567890123456789@main', sub: '345678901234567890', preferred_username: 'alice@example.com', email: 'alice@example.com', email_verified: true, 'urn:zitadel:iam:org:project:roles': { admin: { 4567: 'main.example.com' }, viewer: { 4567: 'main.example.com' } } },
    user: { username: 'alice@example.com', uid: '345678901234567890', groups: ['admin', 'viewer'] }
  }],
  ['GitHub Actions', {
    claims: {
      iss: 'https://token.actions.githubusercontent.com',
      aud: 'https://kubernetes.example.com',
      jti: 'j',
      sub: 'repo:example/shop:ref:refs/heads/main',
      ref: 'refs/heads/main',
      sha: 'c0ffee',
      repository: 'example/shop',
      repository_owner: 'example',
      repository_owner_id: '1',
      repository_id: '74',
      run_id: '1234567890',
      run_number: '10',
      run_attempt: '1',
      actor: 'alice',
      workflow: 'deploy',
      event_name: 'push',
      ref_protected: 'true',
      ref_type: 'branch',
      job_workflow_ref: 'example/shop/.github/workflows/deploy.yml@refs/heads/main',
      runner_environment: 'github-hosted',
      nbf: NOW() - 600
    },
    user: { username: 'github:example/shop', uid: '74', groups: ['github:example'], extra: { 'example.com/workflow': ['example/shop/.github/workflows/deploy.yml@refs/heads/main'], 'example.com/run': ['1234567890'] } },
    denied: [
      ['a repository of somebody else', { repository_owner: 'mallory', repository: 'mallory/shop' }, 'wrong-credential'],
      ['a pull request', { ref: 'refs/pull/1/merge' }, 'wrong-credential']
    ]
  }],
  ['GitLab CI', {
    claims: {
      iss: 'https://gitlab.example.com',
      aud: 'https://kubernetes.example.com',
      jti: 'j',
      sub: 'project_path:platform/shop:ref_type:branch:ref:main',
      namespace_id: '72',
      namespace_path: 'platform',
      project_id: '20',
      project_path: 'platform/shop',
      user_id: '1',
      user_login: 'alice',
      user_email: 'alice@example.com',
      pipeline_id: '574',
      pipeline_source: 'push',
      job_id: '302',
      ref: 'main',
      ref_type: 'branch',
      ref_path: 'refs/heads/main',
      ref_protected: 'true',
      nbf: NOW() - 5
    },
    user: { username: 'gitlab:platform/shop', uid: '20', groups: ['gitlab:platform'], extra: { 'example.com/user': ['alice'], 'example.com/pipeline': ['574'] } },
    denied: [
      ['a branch that is not protected', { ref_protected: 'false' }, 'wrong-credential'],
      ['another group whose name begins like it', { namespace_path: 'platform-tools' }, 'wrong-credential']
    ]
  }],
  ['ServiceAccounts of another cluster', {
    claims: {
      iss: 'https://kubernetes.default.svc.cluster.local',
      aud: ['https://kubernetes.example.com'],
      sub: 'system:serviceaccount:shop:deployer',
      jti: 'j',
      nbf: NOW() - 5,
      'kubernetes.io': { namespace: 'shop', node: { name: 'n1', uid: 'u1' }, pod: { name: 'deployer-0', uid: 'u2' }, serviceaccount: { name: 'deployer', uid: '7b1c0000-0000-0000-0000-000000000001' }, warnafter: NOW() + 3000 }
    },
    user: { username: 'other-cluster:shop:deployer', uid: '7b1c0000-0000-0000-0000-000000000001', groups: ['other-cluster:shop'] },
    denied: [['a token for its own API server', { aud: ['https://kubernetes.default.svc.cluster.local'] }, 'audience']]
  }]
]

for (const [index, [heading, { claims, user, denied = [] }]] of recipes.entries()) {
  test(`${heading}: ${String(claims['iss'])}`, async t => {
    const { config } = RECIPES[index]!
    t.equal(RECIPES[index]!.heading, heading)
    const { jwksFile } = issuerWith(t, [key])
    const { ask } = await openJwt(t, { ...config, issuers: config.issuers.map((issuer: object) => ({ ...issuer, jwksFile })) })
    const answer = await ask(await signed(key, { groups: undefined, ...claims }))
    t.strictSame(answer !== null && 'user' in answer && answer.user, user)
    for (const [what, changed, reason] of denied) {
      t.match(await ask(await signed(key, { groups: undefined, ...claims, ...changed })), { denied: reason }, what)
    }
  })
}

test('every recipe is here', async t => {
  t.equal(RECIPES.length, recipes.length)
})

function recipesOf (text: string): Array<{ heading: string, config: any }> {
  const section = text.slice(text.indexOf('\n## Recipes'), text.indexOf('\n## Groups from a directory'))
  return section.split('\n### ').slice(1).flatMap(part => {
    const heading = part.split('\n')[0]!
    return [...part.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, yaml]) => ({ heading, config: (load(yaml!) as any).identityProviders[0].config }))
  })
}
