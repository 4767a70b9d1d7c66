"""``/duplicates``: groups of copies side by side, and what is to be done with them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError
from starlette.datastructures import FormData, ImmutableMultiDict

from cbir.core.errors import CbirError, IncompleteIndexError, UsageError
from cbir.duplicates.loss import LOSSES
from cbir.duplicates.model import COPY_LEVELS, KEEP_POLICIES, Group, ImageRecord
from cbir.reports.image_card import GroupCard
from cbir.reports.tally import summary
from cbir.web.changes_allowed import ChangesAllowed, ChangingRoute
from cbir.web.duplicate_choices import (
    Choices,
    GroupChoice,
    WebAction,
    found_in,
    plan_of,
    start_acting,
)
from cbir.web.duplicate_searches import FoundGroups
from cbir.web.duplicates_form import DuplicatesForm
from cbir.web.image_files import NoSuchImageError
from cbir.web.index_updates import prepare_for_duplicates
from cbir.web.jobs import Job
from cbir.web.pages.duplicate_cards import MOST_COPIES, differing_fields, group_card
from cbir.web.pages.jobs import to_job
from cbir.web.rendering import render
from cbir.web.service import Service
from cbir.web.wording import told

router = APIRouter(include_in_schema=False, route_class=ChangingRoute)

_PAGE = 10
"""Groups of a page."""

_LEVELS = {
    "exact": "exact: same bytes or pixels",
    "near": "near: also recompressed, resized, recolored",
    "edited": "edited: also cropped, rotated, mirrored",
}
_POLICIES = {
    "best": "the best: most detail, then color",
    "largest": "the largest",
    "smallest": "the smallest",
    "oldest": "the oldest",
    "newest": "the newest",
    "first": "the first by path",
    "sharpest": "the sharpest",
}
assert set(_LEVELS) == set(COPY_LEVELS) and set(_POLICIES) == set(KEEP_POLICIES)


@router.get("/duplicates")
async def duplicates(
    service: Service, request: Request, offset: Annotated[int, Query(ge=0)] = 0
) -> Response:
    """Show the form, what is being done, or what was found."""
    form, failure = _form_of(request.query_params)
    values: dict[str, Any] = {"found": None, "job": None, "failure": failure, "lacking": False}
    if "level" in request.query_params and not failure:
        try:
            found = await service.pool.run(service.duplicates.find, service.index, form)
        except IncompleteIndexError:
            values["lacking"] = True
        except CbirError as error:
            values["failure"] = told(error)
        else:
            values["job" if isinstance(found, Job) else "found"] = found
            if isinstance(found, FoundGroups):
                values |= await service.pool.run(_shown, found, offset)
    status = 422 if values["failure"] else 200
    return render(
        request,
        "duplicates",
        status,
        form=form,
        losses=LOSSES,
        allowed=(form.allow_loss or "").split(","),
        levels=_LEVELS,
        policies=_POLICIES,
        address=_address(form),
        hidden=_hidden(form),
        offset=offset,
        limit=_PAGE,
        **values,
    )


@router.get("/duplicates/difference")
async def difference(
    service: Service,
    request: Request,
    generation: Annotated[str, Query(max_length=64)],
    group: Annotated[int, Query(ge=1)],
    copy: Annotated[int, Query(ge=1)],
) -> Response:
    """Return an image of what a copy shows differently from the image that is kept."""
    form, failure = _form_of(request.query_params)
    if failure:
        raise UsageError(failure)
    found = found_in(service, generation, form)
    data = await service.pool.run(_difference, found, group, copy)
    return Response(
        data, media_type="image/webp", headers={"Cache-Control": "private, max-age=86400"}
    )


@router.post("/duplicates/plan", dependencies=[ChangesAllowed])
async def plan(service: Service, request: Request) -> Response:
    """Show what would be done, and what not."""
    sent = await request.form()
    form, failure = _form_of(sent)
    if failure:
        raise UsageError(failure)
    found = found_in(service, str(sent.get("generation", "")), form)
    planned = await service.pool.run(plan_of, found, _choices(found, sent))
    shown = service.plans.show(planned)
    return render(
        request, "plan", shown=shown, plan=planned, back=_address(form), hidden=_hidden(form)
    )


@router.post("/duplicates/act", dependencies=[ChangesAllowed])
async def act(service: Service, request: Request) -> Response:
    """Do what a plan says."""
    sent = await request.form()
    form, _ = _form_of(sent)
    token = str(sent.get("plan", ""))
    job = service.plans.act(token, lambda planned: start_acting(service, planned))
    return to_job(job, _address(form))


@router.post("/duplicates/prepare", dependencies=[ChangesAllowed])
async def prepare(service: Service, request: Request) -> Response:
    """Add to the index what a search for duplicates needs."""
    form, failure = _form_of(await request.form())
    if failure:
        raise UsageError(failure)
    return to_job(prepare_for_duplicates(service, form.level), _address(form))


def _form_of(sent: ImmutableMultiDict[str, Any]) -> tuple[DuplicatesForm, str]:
    """Return what is asked for, and why it makes no sense, if it does not."""
    names = set(DuplicatesForm.model_fields) - {"allow_loss"}
    asked = {name: sent[name] for name in names if sent.get(name) not in (None, "")}
    losses = [one for text in sent.getlist("allow_loss") for one in str(text).split(",") if one]
    if losses:
        asked["allow_loss"] = ",".join(losses)
    try:
        form = DuplicatesForm.model_validate(asked)
        form.losses()
    except ValidationError as error:
        first = error.errors()[0]
        return DuplicatesForm.model_validate(
            {}
        ), f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except UsageError as error:
        return DuplicatesForm.model_validate({}), told(error)
    return form, ""


def _asked(form: DuplicatesForm) -> dict[str, Any]:
    """Return what is asked for, as fields."""
    return form.model_dump(exclude_defaults=True) | {"level": form.level}


def _hidden(form: DuplicatesForm) -> Mapping[str, str]:
    return {name: str(value) for name, value in _asked(form).items()}


def _address(form: DuplicatesForm, page: str = "/duplicates", **more: object) -> str:
    return f"{page}?{urlencode(_asked(form) | more)}"


def _shown(found: FoundGroups, offset: int) -> dict[str, Any]:
    """Return what the page shows of the groups."""

    def card(group: Group) -> GroupCard:
        more = {"generation": found.generation, "group": group.number}
        return group_card(
            group,
            lambda copy: _address(found.form, "/duplicates/difference", **more, copy=copy),
        )

    groups = found.groups[offset : offset + _PAGE]
    return {
        "facts": summary(len(found.collection.records), found.groups),
        "cards": [card(group) for group in groups],
        "fields_of": {
            group.number: _fields(group.keep, [one.record for one in group.duplicates])
            for group in groups
        },
        "most_copies": MOST_COPIES,
    }


def _fields(keep: ImageRecord, copies: Sequence[ImageRecord]) -> list[list[tuple[str, str, str]]]:
    return [[], *(differing_fields(keep, copy) for copy in copies[:MOST_COPIES])]


def _choices(found: FoundGroups, sent: FormData) -> Choices:
    """Return what a form says is to be done.

    Raises
    ------
    UsageError
        When it names what was not found.
    """
    action: WebAction
    if sent.get("action") == "delete":
        action = "delete"
    elif sent.get("action") == "hardlink":
        action = "hardlink"
    else:
        raise UsageError("say what is to be done with the copies: delete or hardlink")
    sidecars = action == "delete" and "sidecars" in sent
    if sent.get("scope") == "all":
        return Choices(action, None, sidecars)
    chosen = dict[int, set[int]]()
    for text in sent.getlist("act"):
        number, place = _numbers(str(text), 2)
        chosen.setdefault(number, set()).add(place)
    groups = {}
    for number, places in chosen.items():
        group = found.group(number)
        if group is None:
            raise UsageError(f"there is no group {number}; look at the groups again")
        paths = [group.keep.path, *(one.record.path for one in group.duplicates)]
        (kept,) = _numbers(str(sent.get(f"keep-{number}", "0")), 1)
        if not all(0 <= place < len(paths) for place in (kept, *places)):
            raise UsageError(f"group {number} has not so many images; look at the groups again")
        going = frozenset(paths[place] for place in places if place != kept)
        groups[number] = GroupChoice(paths[kept], going)
    return Choices(action, groups, sidecars)


def _numbers(text: str, count: int) -> tuple[int, ...]:
    parts = text.split("-")
    if len(parts) != count or not all(
        part.isascii() and part.isdigit() and len(part) < 9 for part in parts
    ):
        raise UsageError("the form names an image that was not found; look at the groups again")
    return tuple(int(part) for part in parts)


def _difference(found: FoundGroups, number: int, place: int) -> bytes:
    from PIL import Image

    from cbir.core import stderr_capture
    from cbir.core.threads import one_thread_each
    from cbir.duplicates.image_content import EXTRACTOR, open_content
    from cbir.reports.difference_image import difference
    from cbir.reports.image_card import working_transform

    group = found.group(number)
    if group is None or place > len(group.duplicates):
        raise NoSuchImageError("there is no such copy")
    copy = group.duplicates[place - 1]
    contents = {content.sha256: content for content in found.collection.contents}
    with stderr_capture.capture(), one_thread_each():
        kept, other = (
            open_content(contents[one.sha256]).pixels(EXTRACTOR.working_size)
            for one in (group.keep, copy.record)
        )
        transform = working_transform(kept.shape, other.shape, copy.match)
        found_difference = difference(kept, other, transform)
    file = io.BytesIO()
    Image.fromarray(found_difference.image).save(file, "WEBP", quality=70, method=2)
    return file.getvalue()
