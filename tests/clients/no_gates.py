"""A pytest plugin that takes version gates off: every collected test runs, or fails.

The clients skip tests by the server's and the modules' version numbers. Valkey calls itself 7.2.4,
so most tests would be hidden there; and valkey-py skips the whole file of tests of probabilistic
types, which no module for Valkey had. What cannot apply is named in EXCLUDED with its reason.
"""

import pytest
from excluded_search import EXCLUDED_SEARCH

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
EXCLUDED = {
    **EXCLUDED_SEARCH,
    "test_alter_duplicate_policy_prior_redis_8": "RedisTimeSeries 8 tells a policy where none was given",
    "test_info_duplicate_policy_prior_redis_8": "RedisTimeSeries 8 tells a policy where none was given",
}


def excluded(node):
    """Why a test cannot apply; a name without parameters means the test with any."""
    ends = (end for end in EXCLUDED if node.endswith(end) or node.split("[")[0].endswith(end))
    return EXCLUDED.get(next(ends, None))


def pytest_collection_modifyitems(config, items):
    for item in items:
        for node in item.listchain():
            node.own_markers[:] = [
                mark for mark in node.own_markers if mark.name not in ("skip", "skipif")
            ]
    gone = {item: why for item in items if (why := excluded(item.nodeid))}
    for item, why in gone.items():
        print(f"excluded: {item.nodeid}: {why}")
    items[:] = [item for item in items if item not in gone]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, which counts as failed: {report.longrepr}"
