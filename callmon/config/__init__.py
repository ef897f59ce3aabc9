"""callmon.yml and thresholds.yml: read, checked whole, and turned into frozen values.

The way of a file: ``nodes`` (YAML to text data with places), ``sections`` and
``threshold_sections`` (what keys there are), ``validation`` (data against sections),
``build``, ``calendars``, ``shifts`` and ``rules`` (what keys mean together), ``settings``
(the result).
"""

from callmon.config.check import explain, summary
from callmon.config.load import (
    Reading,
    Signature,
    load_config,
    load_thresholds,
    read_config,
    signature,
)
from callmon.config.problems import Level, Problem, printed
from callmon.config.schema import SCHEMAS, json_schema
from callmon.config.settings import (
    AlertingSettings,
    AlertmanagerSettings,
    BasicAuth,
    Config,
    LoggingSettings,
    ServerSettings,
    StormSettings,
    ThresholdSettings,
    TlsSettings,
)
from callmon.config.values import Secret

__all__ = [
    "SCHEMAS",
    "AlertingSettings",
    "AlertmanagerSettings",
    "BasicAuth",
    "Config",
    "Level",
    "LoggingSettings",
    "Problem",
    "Reading",
    "Secret",
    "ServerSettings",
    "Signature",
    "StormSettings",
    "ThresholdSettings",
    "TlsSettings",
    "explain",
    "json_schema",
    "load_config",
    "load_thresholds",
    "printed",
    "read_config",
    "signature",
    "summary",
]
