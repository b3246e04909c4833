"""From bytes to text and chunks: what a document says, where its headings and pages begin, and the slices that are found and quoted."""
