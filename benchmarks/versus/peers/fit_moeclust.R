# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
# MoEClust: one variance per expert ("V"), the setting its stopping rule.

source("timing.R")
need("MoEClust")

given <- task()
covariates <- as.data.frame(given$X)
covered <- reformulate(colnames(covariates))
tolerance <- if (given$setting == "relative") 1e-8 else 1e-5
run <- measure(function() {
  MoE_clust(
    given$y,
    G = given$k, modelNames = "V", gating = covered, expert = covered,
    network.data = covariates, init.z = "list", z.list = list(given$start),
    exp.init = list(mahalanobis = FALSE), stopping = given$setting,
    tol = c(tolerance, sqrt(.Machine$double.eps), 1e-8), verbose = FALSE
  )
})
answer(run$costs, max(run$model$loglik), run$model$iters)
