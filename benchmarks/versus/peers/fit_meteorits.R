# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
# meteorits, the normal mixture of experts: one covariate. `emNMoE` draws its own start,
# so its steps are called here in its order, with its stopping rule, from an M-step on
# the given responsibilities. The setting is its threshold.

source("timing.R")
need("meteorits")

given <- task()
threshold <- as.numeric(given$setting)
run <- measure(function() {
  parameters <- ParamNMoE(X = given$X[, 1], Y = given$y, K = given$k, p = 1, q = 1)
  state <- StatNMoE(paramNMoE = parameters)
  state$tik <- given$start
  parameters$MStep(state, FALSE)
  before <- -Inf
  for (iteration in seq_len(100000)) {
    state$EStep(parameters)
    state$computeLikelihood(parameters$MStep(state, FALSE))
    if (isTRUE(abs((state$loglik - before) / before) <= threshold)) break
    before <- state$loglik
  }
  state$EStep(parameters)
  list(log_likelihood = sum(state$log_sum_piik_fik), iterations = iteration)
})
answer(run$costs, run$model$log_likelihood, run$model$iterations)
