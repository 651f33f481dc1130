"""Writes a job file, and runs its job once.

python -m benchmarks.costs.finished_job FOLDER
"""

import asyncio
import json
import sys
from pathlib import Path

from gcbatch import arun, load_job
from gcbatch.simulator import Simulator, sample_tenant


async def main(folder: Path) -> None:
    """Run the job of a day of the sample tenant."""
    async with Simulator(sample_tenant(), requests_allowed=100_000) as service:
        secret = folder / "secret"
        secret.write_text(service.client_secret, "utf-8")
        output = {"exporter": "parquet", "table": "intervals"}
        job = {
            "name": "costs",
            "org": {
                "api_url": service.url,
                "login_url": service.url,
                "client_id": service.client_id,
                "client_secret": {"file": str(secret)},
            },
            "query": {"from": "1999-08-01", "to": "1999-08-02", "metrics": ["tHandle"]},
            "fetch": {"store": str(folder / "store")},
            "exports": [{**output, "path": str(folder / "intervals.parquet")}],
        }
        path = folder / "job.yaml"
        path.write_text(json.dumps(job), "utf-8")  # JSON is YAML
        await arun(load_job(path))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
