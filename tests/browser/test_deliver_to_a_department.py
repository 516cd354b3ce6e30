"""A reviewer keeps a receiver, delivers a layer to it by a job, and makes a link that a stranger opens."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from gisapp.jobs.doing import do
from tests.browser.conftest import DESKTOP, PHONE, Axe, City, settled
from tests.browser.test_hand_over_a_file import fits, shown

Visit = Callable[..., Page]
WORDS = {"zh": ("任务", "完成", "仅此后的变化", "生成链接"), "en": ("Job", "Done", "Only what is new", "Make a link")}


@pytest.fixture
def worker(city: City) -> Iterator[None]:
    """Somebody who does the jobs that wait, a moment after they were asked for."""
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(0.3):
            with city.owner.db.read() as connection:
                waiting = connection.execute(text(
                    "SELECT id FROM gisapp.jobs WHERE state = 'waiting' AND created_at < now() - interval '1 s'"))
                found = list(waiting.scalars())
            for job_id in found:
                do(city.owner, job_id, ended.is_set)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    ended.set()
    thread.join()


def clean(page: Page) -> None:
    """Nothing sticks out, and axe has nothing to say."""
    assert fits(page)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.browser
@pytest.mark.parametrize(("language", "size"), [("zh", DESKTOP), ("en", PHONE)], ids=["zh-desktop", "en-phone"])
def test_a_department_gets_its_file(visit: Visit, worker: None, language: str, size: tuple[int, int]) -> None:
    job, done, new, make = WORDS[language]
    page = visit(f"/receivers?new=1&lang={language}", role="reviewer", size=size)
    clean(page)
    page.locator("#name").fill(f"规划局 {uuid4().hex[:6]}")
    page.locator("#crs").select_option("EPSG:4547")
    page.locator("form.card button.button-primary").click()
    page.wait_for_url(re.compile(r"/receivers/[0-9a-f-]{36}"))
    receiver = page.url.rsplit("/", 1)[1].split("?")[0]
    shown(page, f"receiver_{language}")
    page.goto("/exports?layer=rooftop_signs")
    page.locator("#receiver").select_option(receiver)
    expect(page.locator("#crs")).to_have_value("EPSG:4547")  # its own, and not to be chosen otherwise
    expect(page.locator("#crs")).to_be_disabled()
    clean(page)
    page.locator("#hand-over [type=submit]").click()
    page.wait_for_url("**/jobs/*")
    expect(page.locator("h1")).to_have_text(job)
    # The page renews itself, and the keyboard stays where it was.
    expect(page.locator(".chip-good")).to_have_text(done)
    shown(page, f"job_{language}")
    clean(page)
    with page.expect_download() as waiting:
        page.locator("a[href$='/file']").click()
    assert waiting.value.suggested_filename.endswith(".zip")
    page.locator("a[href*='/deliveries/']").click()
    page.wait_for_url("**/deliveries/*")
    clean(page)
    page.get_by_role("button", name=make).click()
    address = page.locator("code.secret").inner_text()
    shown(page, f"delivery_{language}")
    clean(page)
    assert page.context.browser is not None
    stranger = page.context.browser.new_context()
    answer = stranger.request.get(address)
    assert (answer.status, answer.body()[:2]) == (200, b"PK")
    stranger.close()
    page.goto(page.url.split("/deliveries")[0] + f"/receivers/{receiver}")
    clean(page)
    page.get_by_role("button", name=re.compile(new)).click()
    page.wait_for_url("**/jobs/*")
    expect(page.locator(".chip-good")).to_have_text(done)
    for path in ("/receivers", "/deliveries", "/jobs"):
        page.goto(page.url.split("/jobs")[0].split("/receivers")[0].split("/deliveries")[0] + path)
        clean(page)


@pytest.mark.browser
def test_a_waiting_job_is_cancelled_and_tried_again(visit: Visit, city: City) -> None:
    page = visit("/receivers?new=1", role="reviewer", size=DESKTOP)
    token = page.locator("[name=csrf_token]").first.input_value()
    box = f"{113 + time.time() % 1:.6f},31,114,32"
    host = page.url.split("/receivers")[0]
    made = page.request.post(f"{host}/jobs", form={"layer": "rooftop_signs", "f": "csv", "bbox": box,
                                                   "csrf_token": token}, headers={"Accept": "application/json"})
    job = made.json()["id"]
    page.goto(f"{host}/jobs")
    page.locator(f"#cancel-{job}").focus()
    for _ in range(2):  # the list renews itself
        with page.expect_response(lambda answer: urlsplit(answer.url).path.endswith("/jobs")):
            pass
    settled(page)
    expect(page.locator(f"#cancel-{job}")).to_be_focused()
    page.context.set_offline(True)
    expect(page.locator("#jobs-away")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator("#jobs-away")).to_be_hidden()
    page.watch.errors.clear()  # type: ignore[attr-defined]
    page.keyboard.press("Enter")
    expect(page.locator(f"#job-{job} .chip")).to_have_text("已取消")
    page.locator(f"#retry-{job}").click()
    expect(page.locator(f"#job-{job} .chip")).to_have_text("等待中")
    page.locator(f"#cancel-{job}").click()
    expect(page.locator(f"#job-{job} .chip")).to_have_text("已取消")
