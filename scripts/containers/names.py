"""The services of deploy/compose.yaml that are told apart."""

REPLICAS = ["lastcall-1", "lastcall-2", "lastcall-3"]
