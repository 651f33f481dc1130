"""Quality in the sample: forms, topics, policies, knowledge and learning."""

from collections.abc import Mapping
from typing import Final

from gcbatch.simulator.tenant.entities.sample_kind import (
    Json,
    SampleKind,
    entity_id,
    instant,
)

__all__ = ["QUALITY"]


def _question_groups(table: str, n: int) -> list[Json]:
    question: Json = {
        "id": entity_id(f"{table} question", str(n)),
        "text": "Was the caller helped?",
        "type": "multipleChoiceQuestion",
        "answerOptions": [
            {"id": entity_id(f"{table} answer", f"{n} yes"), "text": "Yes", "value": 1},
            {"id": entity_id(f"{table} answer", f"{n} no"), "text": "No", "value": 0},
        ],
    }
    group = {"id": entity_id(f"{table} group", str(n)), "name": "The call"}
    return [{**group, "questions": [question]}]


QUALITY: Final[Mapping[str, SampleKind]] = {
    # The second is an earlier version of the first: they have one context.
    "evaluation_forms": SampleKind(
        "Call quality | Call quality, first draft | Compliance",
        lambda refs, n: {
            "division": refs.ref("divisions", n),
            "modifiedDate": instant(n),
            "published": True,
            "contextId": refs.id("evaluation_forms", n if n > 1 else 0),
            "questionGroups": _question_groups("evaluation_forms", n),
            "weightMode": ("SCALED", "OFF")[n % 2],
            "latestVersionFormName": refs.name("evaluation_forms", n if n > 1 else 0),
            "dialect": "en-US",
        },
        path="quality/publishedforms/evaluations",
    ),
    "survey_forms": SampleKind(
        "After the call | Once a year",
        lambda refs, n: {
            "division": refs.ref("divisions", n),
            "modifiedDate": instant(n),
            "published": True,
            "disabled": n == 1,
            "contextId": refs.id("survey_forms", n),
            "language": "en-US",
            "header": "How was it?",
            "footer": "Thank you",
            "questionGroups": _question_groups("survey_forms", n),
            "redacted": False,
        },
        path="quality/publishedforms/surveys",
    ),
    "sta_topics": SampleKind(
        "Rates | Fees | Closing an account | Praise | Fraud",
        lambda refs, n: {
            "description": "what callers speak of",
            "published": True,
            "strictness": ("72", "85")[n % 2],
            "matchingType": "Lexical",
            "programsCount": 1,
            "tags": ["money"],
            "dialect": "en-US",
            "participants": ("External", "All")[n % 2],
            "phrasesCount": 4 + n,
            "modifiedBy": refs.link("users", n),
            "dateModified": instant(n),
        },
        path="speechandtextanalytics/topics",
    ),
    "sta_programs": SampleKind(
        "All calls | Brokers",
        lambda refs, n: {
            "description": "where topics are looked for",
            "published": True,
            "topicsCount": 5 - n,
            "tags": [],
            "modifiedBy": refs.link("users", n),
            "dateModified": instant(n),
        },
        path="speechandtextanalytics/programs",
    ),
    "sta_categories": SampleKind(
        "Angry | Leaving | Delighted",
        lambda refs, n: {
            "description": "a kind of call",
            "interactionType": ("Voice", "All", "Digital")[n % 3],
            "createdBy": refs.link("users", n),
            "dateCreated": instant(n),
            "modifiedBy": refs.link("users", n + 1),
            "dateModified": instant(n + 1),
        },
        path="speechandtextanalytics/categories",
    ),
    "media_retention_policies": SampleKind(
        "Seven years | Brokers' calls",
        lambda _, n: {
            "modifiedDate": instant(n + 1),
            "createdDate": instant(n),
            "order": n,
            "description": "what is kept",
            "enabled": n == 0,
        },
        path="recording/mediaretentionpolicies",
    ),
    "knowledge_bases": SampleKind(
        "Rates and fees | Online banking",
        lambda _, n: {
            "description": "what agents look up",
            "coreLanguage": "en-US",
            "dateCreated": instant(n),
            "dateModified": instant(n + 1),
            "faqCount": 3 + n,
            "dateDocumentLastModified": instant(n + 2),
            "articleCount": 20 + n,
            "published": True,
        },
        path="knowledge/knowledgebases",
    ),
    "learning_modules": SampleKind(
        "Welcome | Money laundering | Listening",
        lambda refs, n: {
            "excludedFromCatalog": False,
            "createdBy": refs.link("users", n),
            "dateCreated": instant(n),
            "modifiedBy": refs.link("users", n + 1),
            "dateModified": instant(n + 1),
            "version": 1,
            "source": "UserCreated",
            "enforceContentOrder": True,
            "isArchived": n == 1,
            "isPublished": True,
            "description": "for new agents",
            "completionTimeInDays": 14,
            "type": ("Informational", "AssessedContent", "Assessment")[n % 3],
            "lengthInMinutes": 30 + n,
            "archivalMode": "Graceful",
        },
        path="learning/modules",
    ),
}
