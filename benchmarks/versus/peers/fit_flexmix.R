# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
# flexmix: Gaussian linear models with a multinomial concomitant. The setting is its
# tolerance; small components stay (minprior), as the start says how many there are.

source("timing.R")
need("flexmix")

given <- task()
frame <- data.frame(y = given$y, given$X)
gate <- reformulate(colnames(given$X))
control <- list(
  tolerance = as.numeric(given$setting), iter.max = 100000, minprior = 0
)
run <- measure(function() {
  flexmix(
    y ~ .,
    data = frame, k = given$k, cluster = given$start, model = FLXMRglm(),
    concomitant = FLXPmultinom(gate), control = control
  )
})
answer(run$costs, as.numeric(logLik(run$model)), run$model@iter)
