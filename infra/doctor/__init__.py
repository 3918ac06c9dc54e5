"""What is missing, misconfigured, full, slow or out of step: facts collected by probes, judged by pure checks."""
