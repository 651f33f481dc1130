"""Quality, speech and text analytics, knowledge and learning.

Sources: paths, models and permissions of PureCloudPlatformClientV2 269.0.0 and of
platform-client-sdk-javascript 259.0.0. Read 2026-11-27.
"""

from typing import Final

from gcbatch.genesys.entities.kind import EntityKind, Paging

__all__ = ["QUALITY"]

QUALITY: Final = (
    EntityKind(
        "evaluation_forms",
        "evaluation_form",
        ("/api/v2/quality/publishedforms/evaluations",),
        permissions=("quality:evaluationForm:view",),
        more={"onlyLatestPerContext": "false"},
        columns="division:named modifiedDate:instant published:flag contextId "
        "weightMode latestVersionFormName aiScoring:id dialect",
    ),
    EntityKind(
        "survey_forms",
        "survey_form",
        ("/api/v2/quality/publishedforms/surveys",),
        permissions=("quality:surveyForm:view",),
        more={"onlyLatestEnabledPerContext": "false"},
        columns="division:named modifiedDate:instant published:flag disabled:flag "
        "contextId language header footer redacted:flag",
    ),
    EntityKind(
        "sta_topics",
        "topic",
        ("/api/v2/speechandtextanalytics/topics",),
        label="topics",
        permissions=("speechAndTextAnalytics:topic:view",),
        columns="description published:flag strictness matchingType "
        "programsCount:whole dialect participants phrasesCount:whole "
        "modifiedBy:id dateModified:instant",
        volatile=("programsCount", "phrasesCount"),
    ),
    EntityKind(
        "sta_programs",
        "program",
        ("/api/v2/speechandtextanalytics/programs",),
        label="programs",
        permissions=("speechAndTextAnalytics:program:view",),
        paging=Paging.CURSOR,
        columns="description published:flag topicsCount:whole modifiedBy:id "
        "dateModified:instant",
        volatile=("topicsCount",),
    ),
    EntityKind(
        "sta_categories",
        "category",
        ("/api/v2/speechandtextanalytics/categories",),
        label="categories",
        permissions=("speechAndTextAnalytics:category:view",),
        page_size=25,
        columns="description interactionType createdBy:id dateCreated:instant "
        "modifiedBy:id dateModified:instant",
    ),
    EntityKind(
        "media_retention_policies",
        "retention_policy",
        ("/api/v2/recording/mediaretentionpolicies",),
        label="retention policies",
        permissions=("recording:retentionPolicy:view",),
        columns="modifiedDate:instant createdDate:instant policy_order=order:whole "
        "description enabled:flag",
    ),
    EntityKind(
        "knowledge_bases",
        "knowledge_base",
        ("/api/v2/knowledge/knowledgebases",),
        permissions=("knowledge:knowledgebase:view",),
        paging=Paging.CURSOR,
        columns="description coreLanguage dateCreated:instant dateModified:instant "
        "faqCount:whole dateDocumentLastModified:instant articleCount:whole "
        "published:flag contentSearchEnabled:flag",
    ),
    EntityKind(
        "learning_modules",
        "learning_module",
        ("/api/v2/learning/modules",),
        permissions=("learning:module:view",),
        columns="excludedFromCatalog:flag createdBy:id dateCreated:instant "
        "modifiedBy:id dateModified:instant version:whole externalId source "
        "rule:id enforceContentOrder:flag isArchived:flag isPublished:flag "
        "description completionTimeInDays:whole type assessmentForm:id "
        "coverArt:id lengthInMinutes:whole archivalMode",
    ),
)
