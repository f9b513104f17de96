import neostandard, { resolveIgnoresFromGitignore } from 'neostandard'

export default [
  ...neostandard({ ts: true, ignores: resolveIgnoresFromGitignore() }),
  {
    // a schema and its type share one name; what really clashes, tsc tells
    rules: { '@typescript-eslint/no-redeclare': 'off' }
  },
  {
    files: ['src/**/*.ts', 'plugins/**/*.ts', 'schemas/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 200, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }]
    }
  }
]
