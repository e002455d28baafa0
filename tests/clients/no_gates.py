"""A pytest plugin that takes version gates off: every collected test runs, or fails.

The clients skip tests by the server's and the modules' version numbers. Valkey calls itself 7.2.4,
so most tests would be hidden there; and valkey-py skips the whole file of tests of probabilistic
types, which no module for Valkey had. What cannot apply is named in EXCLUDED with its reason.
"""

import pytest

try:
    import valkey
except ImportError:
    valkey = None
else:
    # valkey-py's set-up reads the server's version by a name that Redis does not send.
    _info = valkey.Valkey.info

    def _info_of_either(self, *args, **kwargs):
        info = _info(self, *args, **kwargs)
        if isinstance(info, dict) and "redis_version" in info:
            info.setdefault("valkey_version", info["redis_version"])
        return info

    valkey.Valkey.info = _info_of_either

# Test id suffix -> why it cannot apply to any of our servers.
EXCLUDED = {}


def pytest_collection_modifyitems(config, items):
    for item in items:
        for node in item.listchain():
            node.own_markers[:] = [
                mark for mark in node.own_markers if mark.name not in ("skip", "skipif")
            ]
    gone = [item for item in items if any(item.nodeid.endswith(end) for end in EXCLUDED)]
    for item in gone:
        print(f"excluded: {item.nodeid}: {EXCLUDED[next(e for e in EXCLUDED if item.nodeid.endswith(e))]}")
    items[:] = [item for item in items if item not in gone]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, which counts as failed: {report.longrepr}"
