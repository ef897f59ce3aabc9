"""The Grafana dashboards of callmon, as code: ``python -m grafana.build`` writes them."""
