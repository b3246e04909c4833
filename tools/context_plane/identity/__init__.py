"""Who is who: by exact keys, or by equal names where no key conflicts; everything weaker is a proposal, and every link can be undone."""
