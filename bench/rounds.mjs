// Rounds in which each subject has its turn: what is compared is measured right
// after each other, and who begins changes from round to round.

/** @param turns `[subject, measure]` */
export async function inRounds ({ plan, record, say }, work, turns) {
  for (let round = 0; round < plan.rounds; round++) {
    say(`${work}, round ${round + 1} of ${plan.rounds}`)
    const first = round % turns.length
    for (const [subject, measure] of [...turns.slice(first), ...turns.slice(0, first)]) record(work, subject, round, await measure())
  }
}
