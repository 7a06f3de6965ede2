# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
# What every R peer shares; the same as timing.py, in whose docstring the protocol is.

ABSENT <- 77
BUDGET <- 2 # seconds for repeats of a quick fit
REPEATS <- 5

need <- function(package) {
  if (!requireNamespace(package, quietly = TRUE)) quit(status = ABSENT)
  if (commandArgs(TRUE)[1] == "version") {
    cat(format(packageVersion(package)), "\n")
    quit()
  }
  suppressPackageStartupMessages(library(package, character.only = TRUE))
}

# A list of X, y, start, k and the setting that the command line asks for.
task <- function() {
  words <- commandArgs(TRUE)
  shape <- as.integer(words[2:4])
  n <- shape[1]
  d <- shape[2]
  k <- shape[3]
  columns <- matrix(readBin(words[1], "double", n * (1 + d + k)), n)
  X <- columns[, 1 + seq_len(d), drop = FALSE]
  colnames(X) <- paste0("x", seq_len(d))
  start <- columns[, 1 + d + seq_len(k), drop = FALSE]
  list(X = X, y = columns[, 1], start = start, k = k, setting = words[5])
}

# MB of this process, now (VmRSS) or at most so far (VmHWM); NaN where /proc is not.
memory <- function(field) {
  if (!file.exists("/proc/self/status")) return(NaN)
  line <- grep(field, readLines("/proc/self/status"), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line)) / 1024
}

measure <- function(fit) {
  invisible(gc())
  try(writeLines("5", "/proc/self/clear_refs"), silent = TRUE)
  before <- memory("VmRSS")
  times <- c()
  while (length(times) == 0 || (length(times) < REPEATS && sum(times) < BUDGET)) {
    began <- proc.time()[["elapsed"]]
    model <- fit()
    times <- c(times, proc.time()[["elapsed"]] - began)
  }
  costs <- list(seconds = min(times), before = before, peak = memory("VmHWM"))
  list(model = model, costs = costs)
}

answer <- function(costs, log_likelihood, iterations) {
  values <- c(costs, log_likelihood = log_likelihood, iterations = iterations)
  values <- values[!vapply(values, is.nan, TRUE)]
  pairs <- sprintf("\"%s\": %.12g", names(values), unlist(values))
  cat("\n{", paste(pairs, collapse = ", "), "}\n", sep = "")
}
