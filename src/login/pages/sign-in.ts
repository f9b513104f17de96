/** The page that asks for username and password. */
import { html } from 'ghtml'
import { csrfField, phrase, plainPhrase, problemBox } from './elements.js'
import { layout } from './layout.js'
import type { SignInModel, Site } from './models.js'
import { PROBLEM_TITLE, SIGN_IN, SIGN_IN_PROBLEMS } from './texts.js'

export function signInPage (site: Site, { action, csrf, username = '', clientName, problem }: SignInModel): string {
  // the first field that has to be filled in; after a problem that no input solves, the problem itself
  const focus = problem !== undefined && problem !== 'rejected' ? 'problem' : username === '' ? 'username' : 'password'
  const invalid = problem === 'rejected' ? 'aria-invalid="true" aria-describedby="problem"' : ''
  return layout(site, {
    title: problem === undefined ? SIGN_IN.title : plainPhrase(PROBLEM_TITLE, { title: SIGN_IN_PROBLEMS[problem].heading }),
    heading: html`${SIGN_IN.title}`,
    body: html`<p class="lead">!${clientName === undefined ? html`${SIGN_IN.toHome}` : phrase(SIGN_IN.toClient, { client: clientName })}</p>
!${problem === undefined ? '' : problemBox(SIGN_IN_PROBLEMS[problem], focus === 'problem')}
<form method="post" action="${action}">
!${csrfField(csrf)}
<label for="username">${SIGN_IN.username}</label>
<input id="username" name="username" type="text" value="${username}" required autocomplete="username" autocapitalize="none" autocorrect="off" spellcheck="false" dir="auto" !${invalid} !${focus === 'username' ? 'autofocus' : ''}>
<label for="password">${SIGN_IN.password}</label>
<input id="password" name="password" type="password" required autocomplete="current-password" !${invalid} !${focus === 'password' ? 'autofocus' : ''}>
<button type="submit" class="primary">${SIGN_IN.submit}</button>
</form>`
  })
}
