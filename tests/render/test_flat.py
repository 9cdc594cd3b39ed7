from result_documents import small_document

from featrank.render.flat import flat_columns


def test_a_row_a_layer_and_a_column_a_fact() -> None:
    document = small_document(partial=True)
    columns = {name: values for name, (_, values) in flat_columns(document).items()}
    assert {len(values) for values in columns.values()} == {5}
    assert columns["partial"] == [True] * 5
    assert columns["target"] == ["pets"] * 5
    assert columns["gda"][0] == 0.1 + 0.2
    assert columns["gda"][4] is None
    assert columns["low_rank"][:4] == [1, 2, 3, 4]
    assert "gda_low" not in columns
    document["rows"][1]["scores"]["gda"]["low"] = 0.05
    assert flat_columns(document)["gda_low"] == (float, [None, 0.05, None, None, None])
