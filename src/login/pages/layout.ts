/** The document around every page. */
import { html } from 'ghtml'
import { assetPaths } from './assets.js'
import { name } from './elements.js'
import { LOGO } from './icon.js'
import type { Site } from './models.js'
import { homePath, signOutPath } from './paths.js'
import { ACCOUNT, LANGUAGE, SERVICE } from './texts.js'

export interface Layout {
  /** Of the browser's tab, without the name of the service. */
  readonly title: string
  /** HTML of the heading, which is the same as the title or contains it. */
  readonly heading: string
  /** HTML above the heading. */
  readonly above?: string
  /** HTML below the heading. */
  readonly body: string
  /** Pages that show more than a form. */
  readonly wide?: boolean
  /** Of a page with fields to copy. */
  readonly script?: boolean
  /** Who is signed in, on pages that offer to sign out. */
  readonly username?: string
}

export function layout (site: Site, { title, heading, above = '', body, wide = false, script = false, username }: Layout): string {
  return html`<!doctype html>
<html lang="${LANGUAGE}">
<head>
<meta charset="utf-8">
<title>${title} · ${SERVICE}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<link rel="icon" type="image/svg+xml" href="${site.base}${assetPaths.icon}">
<link rel="stylesheet" href="${site.base}${assetPaths.stylesheet}">
!${script ? html`<script src="${site.base}${assetPaths.script}" defer></script>` : ''}
</head>
<body!${wide ? ' class="wide"' : ''}>
<header>!${brand(site, username)}</header>
<main>
!${above}
<h1>!${heading}</h1>
!${body}
</main>
</body>
</html>
`
}

/** The name of the service; for people who are signed in, a link home, their name, and the way out. */
function brand (site: Site, username: string | undefined): string {
  if (username === undefined) return html`<span class="brand">!${LOGO}${SERVICE}</span>`
  return html`<a class="brand" href="${homePath(site)}">!${LOGO}${SERVICE}</a><span class="who"><span class="username">!${name(username)}</span> <a href="${signOutPath(site)}">${ACCOUNT.signOut}</a></span>`
}
