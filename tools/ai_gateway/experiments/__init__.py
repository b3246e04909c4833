"""How the arms of experiments do: counted call by call, held where one breaks its rules, and reported side by side."""
