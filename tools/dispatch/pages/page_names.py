"""The names under which answers speak of their page."""

#: members under which answers speak of their page
LEVELS = (
    "meta",
    "paging",
    "pagination",
    "page",
    "page_info",
    "pageInfo",
    "paging_info",
    "pagingInfo",
    "links",
    "_links",
    "_meta",
    "metadata",
    "response_metadata",
    "pager",
    "list_info",
    "info",
)
HAS_MORES = (
    "has_more",
    "hasMore",
    "has_next",
    "hasNext",
    "has_next_page",
    "hasNextPage",
    "has_more_items",
    "hasMoreItems",
    "has_more_pages",
    "hasMorePages",
    "has_more_results",
    "hasMoreResults",
    "more_results",
    "moreResults",
    "more_items_in_collection",
    "more_available",
    "moreAvailable",
    "has_more_rows",
    "more",
    "is_truncated",
    "isTruncated",
    "IsTruncated",
)
LASTS = ("last", "is_last", "isLast", "is_last_page", "isLastPage", "last_page", "lastPage", "end_of_list", "endOfList", "is_end", "isEnd")
NEXTS = (
    "next",
    "next_page",
    "nextPage",
    "next_url",
    "nextUrl",
    "next_link",
    "nextLink",
    "next_href",
    "nextHref",
    "next_page_url",
    "nextPageUrl",
    "next_page_link",
    "nextPageLink",
    "next_page_uri",
    "nextPageUri",
    "next_records_url",
    "nextRecordsUrl",
    "@odata.nextLink",
    "odata.nextLink",
    "next_cursor",
    "nextCursor",
    "next_page_token",
    "nextPageToken",
    "next_offset",
    "nextOffset",
)
NEXT_NUMBERS = {
    "page": ("next_page", "nextPage", "next", "next_page_number", "nextPageNumber"),
    "offset": ("next_offset", "nextOffset", "next", "next_start", "nextStart"),
}
#: siblings of a next address: where they are and it is not, there is none
OTHER_PAGES = ("prev", "previous", "first", "last")
TOTALS = (
    "total",
    "total_count",
    "totalCount",
    "total_results",
    "totalResults",
    "total_size",
    "totalSize",
    "total_elements",
    "totalElements",
    "total_items",
    "totalItems",
    "total_records",
    "totalRecords",
    "total_entries",
    "totalEntries",
    "total_hits",
    "totalHits",
    "nbHits",
    "@odata.count",
)
TOTAL_PAGES = (
    "total_pages",
    "totalPages",
    "page_count",
    "pageCount",
    "num_pages",
    "numPages",
    "number_of_pages",
    "numberOfPages",
    "pages",
    "nbPages",
    "last_page",
    "lastPage",
)
NUMBERS = ("current_page", "currentPage", "page_number", "pageNumber", "page_index", "pageIndex", "page")
#: not `size` and `limit`: too many answers mean something else by them
SIZES = ("per_page", "perPage", "page_size", "pageSize", "items_per_page", "itemsPerPage")
STARTS = ("startIndex", "start_index", "startAt", "start_at", "offset", "start", "skip")
#: what some servers write for "there is none": as a next page or cursor, these are no place to go on
NOWHERE = frozenset({"", "0", "-1", "null", "none", "nil", "undefined", "false"})
YES, NO = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no"})
