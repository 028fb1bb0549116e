"""Training of the default disparity network: data, model, losses, train, export, evaluate. See README.md."""
