-- heights
CREATE TABLE tide (
  harbour text,
  height real
);

CREATE VIEW high AS
  SELECT * FROM tide WHERE height > 3;
