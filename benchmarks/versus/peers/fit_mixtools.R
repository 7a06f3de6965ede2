# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
# mixtools, hmeEM: two experts and one covariate. It takes coefficients, not
# responsibilities, so it gets those of the weighted fits.

source("timing.R")
need("mixtools")

given <- task()
weights <- given$start
design <- cbind(1, given$X)
experts <- apply(weights, 2, function(w) lm.wfit(design, given$y, w)$coefficients)
residuals <- given$y - design %*% experts
deviations <- sqrt(colSums(weights * residuals^2) / colSums(weights))
gate <- suppressWarnings(
  glm.fit(design, weights[, 1], family = binomial())$coefficients
)
run <- measure(function() {
  hmeEM(
    given$y, given$X,
    beta = experts, sigma = deviations, w = matrix(gate), k = 2, maxit = 100000
  )
})
if (run$model$restarts > 0) stop("left the start: singular")
answer(run$costs, run$model$loglik, length(run$model$all.loglik) - 1)
